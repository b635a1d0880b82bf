"""What a room asks of its members."""

from typing import Protocol

from collab.errors import CloseCode
from collab.presence import Identity


class Member(Protocol):
    """Anything joined to a room: a client's connection, or code in this process."""

    author: str
    identity: Identity | None
    writes: bool

    def show(self, update: bytes, frame: bytes, shown: bytes) -> None:
        """An edit of others: the update, its WebSocket frame, and the state vector shown before."""

    def tell(self, payload: bytes, frame: bytes, shown: bytes) -> None:
        """Presence of others: the payload and its WebSocket frame."""

    def reached(self, position: int) -> bool:
        """Flush `position` has reached the level; tells whether edits of this member still wait."""

    def caught_up(self, update: bytes, presence: bytes | None) -> None:
        """The diff that this member asked for, and everybody's presence."""

    def recheck(self) -> None:
        """Parked updates may be ready now."""

    def unrecorded(self, on: bool) -> None:
        """Edits are shown from now on although the log is away; or no longer."""

    def frozen(self, reason: str) -> None:
        """Nobody may write for now, and why; "": it is over."""

    def check(self, now: float) -> None:
        """Called about every second; `now` is event-loop time."""

    def close(self, code: CloseCode, reason: str) -> None:
        """This member has to go."""
