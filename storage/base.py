"""The interfaces that a storage backend implements.

`UpdateLog` and `ObjectStore` hold what must never be lost. `Bus` and `Lease` hold nothing: a message of the
one may be lost, and the other only saves work.

`storage.testing` holds the contract tests; every backend runs them, also one written elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from storage.errors import StorageError
from storage.values import Announcement, Cursor, Level, LogState, Position


class Outcome(Protocol):
    """What becomes of one append. Called on the event loop's thread, in this order, each at most once."""

    def recorded(self, cursor: Cursor) -> None:
        """The entry is in the log at `cursor`: it has reached `Level.RECORDED`."""

    def reached(self, level: Level) -> None:
        """The entry has reached `level`, one above RECORDED. The backend's strongest level comes last.

        Never called by a backend whose strongest level is RECORDED.
        """

    def failed(self, error: StorageError) -> None:
        """The entry may or may not be in the log. Appending it again is harmless. Nothing follows."""


class Follower(Protocol):
    """What is told of a document that is followed. Called on the event loop's thread."""

    def announced(self, announcement: Announcement) -> None:
        """An entry was recorded, by this node or another. Some may be missed, or come twice."""

    def interrupted(self) -> None:
        """The log was away and is back: announcements were missed, and the log may have lost entries."""


class UpdateLog(Protocol):
    """An append-only log of entries per document. Entries are opaque bytes to it.

    No two entries of a document ever share a cursor, also where the log lost one of them.
    """

    strongest: Level
    """The strongest level that this backend truly gives."""

    shared: bool
    """Whether other nodes may append to the same documents."""

    node: str
    """The name of this node in announcements."""

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """Append one entry that rests on all entries up to `after`; returns at once.

        The given cursor is above `after`, above every cursor given out for `doc` before and above its
        floor. Appends of one document are recorded in call order. Fails with LostTail where the log does not
        hold `after`, and has not trimmed it either, unless the entry `heals` the loss by holding all that
        was lost: it then starts the epoch `after.epoch + 1` where the log is younger than `after`.
        """

    async def state(self, doc: str) -> LogState:
        """Where the log of `doc` stands. Raises Unavailable."""

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """Make every later cursor of `doc` greater than `floor`.

        Where the log is younger than `floor` (its `last` is below), the next entry starts the epoch
        `floor.epoch + 1`, and the trim marker moves to `floor`, since entries below may have been lost
        with the older log; otherwise nothing changes. Idempotent. Raises Unavailable.
        """

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """Where the logs of `docs` stand, in one round trip. Raises Unavailable."""

    async def documents(self) -> list[str]:
        """The ids of all documents that were ever written, sorted. Raises Unavailable."""

    async def follow(self, doc: str, follower: Follower) -> None:
        """Tell `follower` of every entry recorded after this has returned, until `unfollow`.

        One follower per document. Only logs that are `shared` announce anything. Raises Unavailable.
        """

    def unfollow(self, doc: str) -> None:
        """Tell nothing more of `doc`."""

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """The recorded entries above `after`, ascending. Raises Unavailable."""

    async def trim(self, doc: str, upto: Cursor) -> None:
        """Drop the entries at or below `upto` and move the trim marker there, in one transaction.

        Idempotent; a lower `upto` than before changes nothing. Later cursors are above `upto`, also where
        it lies beyond the end. Raises Unavailable.
        """

    async def close(self) -> None:
        """Finish the appends under way, then let go of the backend."""


class ObjectStore(Protocol):
    """Immutable objects by name. Names are slash-separated, ASCII, made by `storage.keys`."""

    async def put(self, name: str, data: bytes) -> None:
        """Store `data`, whole or not at all, durable on return. The same name means the same bytes."""

    async def get(self, name: str) -> bytes:
        """The bytes stored under `name`. Raises Missing, Unavailable."""

    async def list(self, prefix: str) -> list[str]:
        """All names that start with `prefix`, sorted. Raises Unavailable."""

    async def delete(self, name: str) -> None:
        """Remove `name`; no error when it is not there. Raises Unavailable."""


class Bus(Protocol):
    """Best-effort messages between the nodes that have the same document open, for presence.

    A node does not hear itself. Messages of one node about one document come in order; some may be lost.
    """

    node: str
    """The name of this node."""

    def publish(self, topic: str, message: bytes) -> None:
        """Tell the other nodes; returns at once. Where the backend is away, the message is lost."""

    async def subscribe(self, topic: str, listener: Callable[[str, bytes], None]) -> None:
        """Call `listener` with the sender's name and each message, until `unsubscribe`.

        One listener per topic; subscriptions outlive an outage. Raises Unavailable.
        """

    def unsubscribe(self, topic: str) -> None:
        """Hear nothing more of `topic`."""

    async def close(self) -> None:
        """Let go of the backend."""


class Lease(Protocol):
    """Who does a piece of work, so that it is done once. Correctness never rests on it."""

    async def acquire(self, name: str, seconds: float) -> int | None:
        """Take `name` for so long; a fencing token above all earlier ones of it, None when it is taken.

        Raises Unavailable.
        """

    async def renew(self, name: str, token: int, seconds: float) -> bool:
        """Keep it for so long from now; whether it was still held under `token`. Raises Unavailable."""

    async def release(self, name: str, token: int) -> None:
        """Give it back, if it is still held under `token`. Raises Unavailable."""

    async def held(self, prefix: str) -> list[str]:
        """The names that start with `prefix` and are held now, by anybody, sorted. Raises Unavailable."""
