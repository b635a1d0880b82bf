"""The two interfaces that a storage backend implements.

`storage.testing` holds the contract tests; every backend runs them, also one written elsewhere.
"""

from typing import Protocol

from storage.errors import StorageError
from storage.values import Cursor, Level, LogState


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


class UpdateLog(Protocol):
    """An append-only log of entries per document. Entries are opaque bytes to it."""

    strongest: Level
    """The strongest level that this backend truly gives."""

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome) -> None:
        """Append one entry; returns at once.

        The given cursor is above `after`, above every cursor given out for `doc` before and above its
        floor. Appends of one document are recorded in call order.
        """

    async def state(self, doc: str) -> LogState:
        """Where the log of `doc` stands. Raises Unavailable."""

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """Make every later cursor of `doc` greater than `floor`.

        Where the log is younger than `floor` (its `last` is below), the next entry starts the epoch
        `floor.epoch + 1`, and the trim marker moves to `floor`, since entries below may have been lost
        with the older log; otherwise nothing changes. Idempotent. Raises Unavailable.
        """

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
