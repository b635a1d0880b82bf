"""One look at all that is stored of one document: does it fit together?

Nothing is written. Whoever uses the document meanwhile makes a look see two times at once, so a difference
counts only when a second look finds it as well (`storage.checker`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise

from storage.containment import adds
from storage.continuity import connected, gaps, trimmed_on
from storage.errors import Corrupt, Missing
from storage.format import decode_entry
from storage.head import STRIDE, mark
from storage.history import History
from storage.keys import SnapshotKey
from storage.retention import HOUR, YEAR
from storage.snapshots import Found, Snapshots
from storage.state import is_sound, join, merge
from storage.store import Store
from storage.values import ZERO, Cursor, LogState

Rows = list[tuple[Cursor, bytes]]


@dataclass(slots=True)
class Look:
    """What is stored of one document."""

    differences: list[str] = field(default_factory=list)
    exists: bool = False
    entries: int = 0
    snapshots: int = 0
    segments: int = 0
    digests: dict[bytes, Cursor] = field(default_factory=dict)
    """Of the entries in the log that hold content; the same content in two documents is a leak."""


async def examine(doc: str, store: Store, now: int) -> Look:
    """Look at `doc`; `now` is Unix time in milliseconds. Raises Unavailable."""
    return await _Examination(doc, store, now).run()


class _Examination:
    """What one look has read so far, and what is wrong with it."""

    def __init__(self, doc: str, store: Store, now: int) -> None:
        self._doc = doc
        self._store = store
        self._now = now
        self._look = Look()
        self._snapshots = Snapshots(store.objects)
        self._history = History(store.objects)

    async def run(self) -> Look:
        try:
            rows = await self._store.log.read(self._doc, ZERO)
        except Corrupt as error:  # some logs have checksums of their own
            self._report(str(error))
            return self._look
        state = await self._store.log.state(self._doc)  # after the rows: see storage.loader
        rows = [row for row in rows if row[0] > state.trimmed]
        keys = await self._snapshots.list(self._doc)
        valid = await self._read_snapshots(keys)
        ends, past = await self._read_history()
        cursors = [cursor for cursor, _ in rows]
        self._check_entries(rows, state)
        self._check_continuity(state.trimmed, past, cursors)
        if state.trimmed > ZERO:
            self._check_marker(state.trimmed, keys, ends, cursors)
        self._check_content(rows, state, valid)
        self._look.exists = state.last > ZERO or bool(keys)
        return self._look

    def _report(self, text: str) -> None:
        self._look.differences.append(text)

    async def _read_snapshots(self, keys: list[SnapshotKey]) -> Found:
        """Read all; the newest two valid ones, newest first."""
        self._look.snapshots = len(keys)
        found: Found = []
        for key in reversed(keys):
            try:
                snapshot = await self._snapshots.read(key)
            except Corrupt as error:
                self._report(str(error))
            except Missing:
                self._report(f"the snapshot {key.name} is listed, and not there")
            else:
                if len(found) < 2:
                    found.append((key, snapshot))
        for key, snapshot in found:
            if not all(map(is_sound, snapshot.chunks)):
                self._report(f"the snapshot {key.name} does not open in an empty document")
        return found

    async def _read_history(self) -> tuple[set[Cursor], set[Cursor]]:
        """Where the segments end, and the cursors of all entries in them."""
        ends, cursors = set(), set[Cursor]()
        for key in await self._history.list(self._doc):
            self._look.segments += 1
            ends.add(key.last)
            try:
                rows = await self._history.read_segment(key)
            except Corrupt as error:
                self._report(str(error))
                cursors.update((key.first, key.last))
            except Missing:
                self._report(f"the history segment {key.name} is listed, and not there")
            else:
                cursors.update(cursor for cursor, _ in rows)
                self._check_each(rows, f" in {key.name}")
        return ends, cursors

    def _check_entries(self, rows: Rows, state: LogState) -> None:
        self._look.entries = len(rows)
        self._look.digests = self._check_each(rows)
        for (before, _), (after, _) in pairwise(rows):
            if after <= before:
                self._report(f"entry {after} comes after {before}")
        end = rows[-1][0] if rows else state.trimmed
        if state.last not in (end, state.trimmed):
            self._report(f"the log ends at {end}, and the newest entry was {state.last}")

    def _check_each(self, rows: Rows, where: str = "") -> dict[bytes, Cursor]:
        """The digests of the entries that hold content."""
        digests = {}
        for cursor, data in rows:
            try:
                entry = decode_entry(data)
            except Corrupt as error:
                self._report(f"entry {cursor}{where}: {error}")
                continue
            if cursor.sequence % STRIDE != mark(data):
                self._report(f"entry {cursor}{where} is not the one that got this cursor")
            if entry.parts:
                digests[blake2b(data, digest_size=8).digest()] = cursor
        return digests

    def _check_continuity(self, trimmed: Cursor, past: set[Cursor], cursors: list[Cursor]) -> None:
        missing = set(gaps(sorted({*past, *cursors})))
        if trimmed > ZERO or not past:  # else what was trimmed is known to the history alone
            missing.update(gaps([trimmed, *cursors]))
        for before, after in sorted(missing):
            self._report(f"the entries between {before} and {after} are missing")

    def _check_marker(
        self, trimmed: Cursor, keys: list[SnapshotKey], ends: set[Cursor], cursors: list[Cursor]
    ) -> None:
        """A trim leaves its snapshot, a newer one, and the entries in history until they expire."""
        at = [key for key in keys if key.cursor == trimmed]
        if not at:
            self._report(f"the snapshot at the trim marker {trimmed} is missing")
        if not trimmed_on(trimmed, [*cursors, *(key.cursor for key in keys)]):
            return
        if sum(key.cursor >= trimmed for key in keys) < 2:
            self._report(f"the newest snapshot is missing: only one holds what was trimmed up to {trimmed}")
        fresh = any(self._now - key.time < YEAR - HOUR for key in at)
        if fresh and trimmed not in ends:
            self._report(f"the history segment that ends at the trim marker {trimmed} is missing")

    def _check_content(self, rows: Rows, state: LogState, valid: Found) -> None:
        """The document opens, and from an older snapshot reads the same."""
        bases = [*((key.cursor, snapshot.chunks) for key, snapshot in valid), (ZERO, ())]
        base, chunks = bases[0]
        if state.trimmed > base:
            self._report(f"the entries from {base} to {state.trimmed} are gone")
        elif state.last < base:
            self._report(f"the log ends at {state.last}, below the newest snapshot {base}")
        try:
            whole = _state(chunks, rows, base)
        except Corrupt:  # an entry, which was reported
            return
        except ValueError as error:
            self._report(f"it does not open: {error}")
            return
        if not valid:
            return
        older, its_chunks = bases[1]
        between = [cursor for cursor, _ in rows if older < cursor <= base]
        if state.trimmed <= older < base and _leads(older, between, base):
            self._compare(base, whole, older, its_chunks, rows)

    def _compare(
        self, base: Cursor, whole: bytes, older: Cursor, chunks: Sequence[bytes], rows: Rows
    ) -> None:
        """From the snapshot `older` the document reads as from `base`."""
        try:
            other = _state(chunks, rows, older)
        except Corrupt:
            return
        except ValueError as error:
            self._report(f"it does not open from {older}: {error}")
            return
        if adds(other, whole):
            self._report(f"the snapshot {base} lacks content of the entries before it")
        if adds(whole, other):
            self._report(f"the snapshot {base} holds content that no entry before it holds")


def _leads(older: Cursor, between: list[Cursor], base: Cursor) -> bool:
    """Whether the entries `between` are all that stands between two snapshots, or before the first one."""
    path = [older, *between]
    return path[-1] == base and connected(path)


def _state(chunks: Sequence[bytes], rows: Rows, base: Cursor) -> bytes:
    """The state of a snapshot and the entries after it. Raises Corrupt, ValueError."""
    entries = (decode_entry(data) for cursor, data in rows if cursor > base)
    return merge(
        [*chunks, *(join([part.update for part in entry.parts]) for entry in entries if entry.parts)]
    )
