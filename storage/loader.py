"""Opening a document: newest valid snapshot and the log entries after its cursor. Nothing else."""

from dataclasses import dataclass

from storage.appending import append
from storage.base import ObjectStore, UpdateLog
from storage.errors import Corrupt, Unavailable
from storage.format import decode_entry, encode_entry
from storage.snapshots import OnCorrupt, Snapshots, warn
from storage.state import join
from storage.values import ZERO, Cursor, Entry, LogState, Snapshot

_ATTEMPTS = 4  # a compaction that runs meanwhile may trim between two reads; a third one in a row does not


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document as storage holds it."""

    exists: bool
    """Whether anything was ever written."""
    cursor: Cursor
    """The position: that of the newest entry read, or of the snapshot."""
    updates: list[bytes]
    """Yjs updates (V1): the snapshot's state, then one update per entry, in log order."""
    snapshot_cursor: Cursor
    """ZERO without a snapshot."""
    entries_since_snapshot: int
    bytes_since_snapshot: int
    oldest_since_snapshot: int
    """Unix time in milliseconds of the first entry after the snapshot, 0 without one."""


async def load(doc: str, log: UpdateLog, objects: ObjectStore, on_corrupt: OnCorrupt = warn) -> Loaded:
    """Read `doc` and make the log ready for its next entry.

    A log that is younger than the snapshot has its floor raised before this returns, and what it holds
    is appended anew above that.

    Raises Unavailable when storage does not answer, and when entries between the newest valid snapshot and
    the log are gone: a document never opens with a hole. Raises Corrupt, with the entry's cursor, when an
    entry after the snapshot cannot be decoded.
    """
    snapshots = Snapshots(objects, on_corrupt=on_corrupt)
    for _ in range(_ATTEMPTS):
        snapshot = await snapshots.newest(doc)
        base = ZERO if snapshot is None else snapshot.cursor
        rows = await log.read(doc, base)
        # Read after the rows: had they been trimmed, it would lie above the snapshot by now.
        state = await log.state(doc)
        if state.trimmed <= base and state.last < base:
            await _renew(doc, log, base)
        elif state.trimmed <= base:
            return _loaded(doc, snapshot, rows, state)
    raise Unavailable(
        "load",
        doc,
        f"the entries from {base} to {state.trimmed} are gone",
        hint="restore the missing snapshot from a backup",
    )


async def _renew(doc: str, log: UpdateLog, floor: Cursor) -> None:
    """Bring a log that has lost what the snapshot holds above the snapshot, with what was appended since."""
    entries = [decode_entry(data) for _, data in await log.read(doc, ZERO)]
    parts = tuple(part for entry in entries for part in entry.parts)
    if parts:
        # One entry, so that a crash leaves all or nothing of them where loaders look.
        await append(log, doc, encode_entry(Entry(entries[0].time, parts)), floor, heals=True)
        await log.trim(doc, floor)
    else:
        await log.raise_floor(doc, floor)


def _loaded(doc: str, snapshot: Snapshot | None, rows: list[tuple[Cursor, bytes]], state: LogState) -> Loaded:
    base = ZERO if snapshot is None else snapshot.cursor
    updates = [] if snapshot is None else list(snapshot.chunks)
    oldest = 0
    for cursor, data in rows:
        try:
            entry = decode_entry(data)
            if entry.parts:
                updates.append(join([part.update for part in entry.parts]))
        except (Corrupt, ValueError) as error:
            raise Corrupt("load", doc, f"entry {cursor}: {error}", cursor=cursor) from error
        oldest = oldest or entry.time
    return Loaded(
        exists=snapshot is not None or state.last > ZERO,
        cursor=rows[-1][0] if rows else base,
        updates=updates,
        snapshot_cursor=base,
        entries_since_snapshot=len(rows),
        bytes_since_snapshot=sum(len(data) for _, data in rows),
        oldest_since_snapshot=oldest,
    )
