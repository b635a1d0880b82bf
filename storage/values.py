"""Values that the log, the snapshots and the rooms exchange."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Self


class Cursor(NamedTuple):
    """A position in one document's log; cursors compare by epoch, then by sequence.

    The text form has a fixed width, so that names which hold cursors sort like the cursors.
    """

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch:010d}.{self.sequence:018d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str` wrote. Raises ValueError on anything else."""
        epoch, sequence = text.split(".")
        cursor = cls(int(epoch), int(sequence))
        if str(cursor) != text:
            raise ValueError(f"not a cursor: {text!r}")
        return cursor


ZERO = Cursor(0, 0)
"""Before every entry: the position of a document that was never written."""


class Level(StrEnum):
    """What an acknowledged entry survives, weakest first."""

    RECORDED = "recorded"
    """In the log: survives kill -9 of nodes and of the log server."""
    SYNCED = "synced"
    """On the disk (fsync): survives a loss of power as well."""
    REPLICATED = "replicated"
    """Held by more than one log server."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one author did in one entry."""

    author: str
    """Grant or run id; the attribution of deletions rests on it, since delete sets carry no author."""
    clients: tuple[int, ...]
    """Client ids whose structs this part extends, ascending."""
    update: bytes
    """Merged Yjs update (V1). Together, the parts are causally ready after the entries before theirs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log: one flush of a room."""

    time: int
    """Unix time, milliseconds."""
    parts: tuple[Part, ...] = field(default=())
    """One part per author. Empty in the entry that creates a document."""


class Announcement(NamedTuple):
    """A new entry of one document, as told to the nodes that follow it."""

    previous: Cursor
    """The log's newest cursor, or its floor, before this entry."""
    cursor: Cursor
    node: str
    """Who appended it."""
    entry: bytes


class Position(NamedTuple):
    """Where one document's log stands, the short form of LogState."""

    last: Cursor
    trimmed: Cursor


@dataclass(frozen=True, slots=True)
class LogState:
    """Where one document's log stands. All cursors are ZERO for a document never written."""

    last: Cursor
    """Newest cursor that was ever given out, or the floor where that is higher. Survives trimming."""
    trimmed: Cursor
    """Trim marker: every entry at or below it may be gone."""
    entries: int
    """Entries held now."""
    size: int
    """Their encoded bytes."""
    oldest: int
    """Unix time in milliseconds of the oldest entry held, 0 without entries."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The merged state of one document up to a cursor."""

    cursor: Cursor
    """Every entry at or below it is in the state."""
    time: int
    """Unix time of writing, milliseconds."""
    chunks: tuple[bytes, ...]
    """Yjs updates (V1); applied in this order they give the state."""
