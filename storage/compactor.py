"""Compaction: the log shrinks, and nothing is ever missing.

The order carries the promise: write and verify a snapshot, write and verify the history, then trim, and only
up to the *second* newest verified snapshot, so that any one snapshot may be lost. A crash between two steps
leaves extra data, never less. No lock is needed; two compactions at once waste work.
"""

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass

from storage.base import ObjectStore, UpdateLog
from storage.errors import Corrupt
from storage.history import History
from storage.keys import SnapshotKey
from storage.loader import Loaded, load
from storage.offload import offload
from storage.retention import HOUR, YEAR, expired, keep
from storage.snapshots import OnCorrupt, Snapshots, warn
from storage.state import merge
from storage.values import ZERO, Cursor


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a compaction due, all counted since the newest snapshot."""

    entries: int = 500
    size: int = 2**20
    """Bytes of encoded entries."""
    age: int = HOUR
    """Milliseconds since the first of them."""

    def due(self, entries: int, size: int, oldest: int, now: int) -> bool:
        """Whether that much should be compacted; `oldest` and `now` are Unix times in milliseconds."""
        return entries > 0 and (entries >= self.entries or size >= self.size or now - oldest >= self.age)


class Compactor:
    """Compacts documents of one log and object store.

    Big states are merged and verified in `executor`: a ProcessPoolExecutor that does not fork keeps the event
    loop free. History is kept for `history_age` milliseconds.
    """

    def __init__(
        self,
        log: UpdateLog,
        objects: ObjectStore,
        *,
        executor: Executor | None = None,
        history_age: int = YEAR,
        on_corrupt: OnCorrupt = warn,
    ) -> None:
        self._log = log
        self._objects = objects
        self._executor = executor
        self._history_age = history_age
        self._on_corrupt = on_corrupt
        self._snapshots = Snapshots(objects, executor=executor, on_corrupt=on_corrupt)
        self._history = History(objects)

    async def compact(self, doc: str, now: int, pinned: Collection[str] = ()) -> Cursor:
        """Snapshot `doc` as of its newest entry, then drop what is no longer needed.

        `now` is Unix time in milliseconds, `pinned` the names of snapshots to keep. Returns the cursor of the
        newest snapshot, ZERO for a document that does not exist: none is written for it. Raises Unavailable,
        Corrupt; then nothing that is needed was dropped, and calling again goes on where it stopped.
        """
        loaded = await load(doc, self._log, self._objects, self._on_corrupt)
        if loaded.entries_since_snapshot:
            await self._write(doc, loaded, now)
        await self._drop(doc, now, pinned)
        return loaded.cursor

    async def _write(self, doc: str, loaded: Loaded, now: int) -> None:
        size = sum(map(len, loaded.updates))
        try:
            state = await offload(self._executor, size, merge, loaded.updates)
        except ValueError as error:
            raise Corrupt("compact", doc, error) from error
        await self._snapshots.write(doc, loaded.cursor, state, now)

    async def _drop(self, doc: str, now: int, pinned: Collection[str]) -> None:
        valid = [key for key, _ in await self._snapshots.valid(doc, 2)]
        if len(valid) == 2:
            await self._trim(doc, valid[1])
            await self._thin(doc, valid[1].cursor, now, pinned)
        for segment in expired(await self._history.list(doc), now, self._history_age):
            await self._objects.delete(segment.name)

    async def _trim(self, doc: str, second: SnapshotKey) -> None:
        held = await self._log.read(doc, ZERO)
        await self._history.write(doc, [row for row in held if row[0] <= second.cursor], second.time)
        await self._log.trim(doc, second.cursor)

    async def _thin(self, doc: str, trimmed: Cursor, now: int, pinned: Collection[str]) -> None:
        snapshots = await self._snapshots.list(doc)
        for key in set(snapshots) - keep(snapshots, now, pinned):
            # One above is valid or reported corrupt; the two that the trim rests on stay in any case.
            if key.cursor < trimmed:
                await self._objects.delete(key.name)
