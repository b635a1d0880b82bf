"""Errors of storage.

    StorageError
     +-- Missing       the name was never written: an answer, not a failure
     +-- Unavailable   try again later; says nothing about what is stored
     |    +-- LostTail  the log has lost entries that the caller knows
     +-- Corrupt       the bytes are there and are not what was written

The three are never mixed up: an outage read as "no such document" would open a document empty.
"""

from storage.values import Cursor


class StorageError(Exception):
    """A storage operation failed.

    Attributes:
        operation: what was tried, for example "read log".
        name: the document or object.
        hint: what an operator can do about it, or "".
    """

    def __init__(self, operation: str, name: str, cause: object = "", *, hint: str = "") -> None:
        self.operation = operation
        self.name = name
        self.hint = hint
        text = f"{operation} {name!r}"
        if cause:
            text += f": {cause}"
        if hint:
            text += f" ({hint})"
        super().__init__(text)


class Missing(StorageError):
    """The name was never written."""


class Unavailable(StorageError):
    """The backend does not answer, is full or read-only, or the document would open with a hole."""


class LostTail(Unavailable):
    """The log does not hold an entry that the caller has applied: it was emptied, or lost its newest entries.

    What the caller adds would rest on content that the log lacks; it first has to put that back.
    """


class Corrupt(StorageError):
    """Bytes were read that fail their checksum or cannot be decoded.

    Attributes:
        cursor: the position of the corrupt entry, where it is one entry of a log.
    """

    def __init__(
        self, operation: str, name: str, cause: object = "", *, hint: str = "", cursor: Cursor | None = None
    ) -> None:
        super().__init__(operation, name, cause, hint=hint)
        self.cursor = cursor
