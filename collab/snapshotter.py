"""Makes snapshots of rooms that are due, in the background; one at a time per material, by one node.

The lease saves work, nothing else: two snapshots at once would only be one too many.
"""

import asyncio
from concurrent.futures import BrokenExecutor
from random import random

from collab import metrics, peers
from collab.backends import Backends
from collab.logs import log
from collab.room import Room
from collab.settings import Settings
from collab.workers import Workers
from storage.clock import unix_milliseconds
from storage.compactor import Compactor

_FULL = "snapshots have failed for too long: this material can be read, not changed, for now"
_PAUSE = 30.0  # seconds before a snapshot that failed is tried again
_LEASE = 120.0  # seconds that one may take before another node tries as well


class Snapshotter:
    """Compacts rooms of one node."""

    def __init__(self, settings: Settings, backends: Backends, workers: Workers) -> None:
        self._settings = settings
        self._log, self._objects = backends.log, backends.objects
        self._bus, self._lease = backends.bus, backends.lease
        self._workers = workers
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def attend(self, room: Room, now: float) -> None:
        """Make a snapshot of a room in use if it is due; `now` is event-loop time."""
        recorder, settings = room.recorder, self._settings
        if not recorder.entries:
            recorder.oldest = now
        room.freeze(_FULL if recorder.size >= settings.backlog_bytes else "")
        due = (
            recorder.entries >= settings.compact_entries
            or recorder.size >= settings.compact_bytes
            or now - recorder.oldest >= settings.compact_seconds
        )
        if recorder.entries and due and now >= recorder.compact_after:
            recorder.compact_after = now + _PAUSE * (1 + random())  # nodes take turns
            self.begin(room)

    def begin(self, room: Room) -> None:
        """Make one now, unless one is under way."""
        if room.id not in self._under_way:
            task = self._under_way[room.id] = asyncio.create_task(self._run(room))
            task.add_done_callback(lambda _: self._under_way.pop(room.id, None))

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way, at most so long."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=seconds)

    async def _run(self, room: Room) -> None:
        recorder = room.recorder
        entries, size = recorder.entries, recorder.size
        try:
            token = await self._lease.acquire(f"snapshot/{room.id}", _LEASE)
            if token is None:
                return
            try:
                await self._compact(room)
            finally:
                await self._lease.release(f"snapshot/{room.id}", token)
        except Exception as error:  # noqa: BLE001 - counted, logged, tried again
            if isinstance(error, BrokenExecutor):
                self._workers.replace()
            metrics.compaction_failures.inc()
            log.warning("snapshot failed", material=room.id, error=str(error))
        else:
            recorder.compacted(entries, size)
            self._bus.publish(room.id, peers.SNAPSHOT)

    async def _compact(self, room: Room) -> None:
        compactor = Compactor(self._log, self._objects, executor=self._workers.pool)
        await compactor.compact(room.id, unix_milliseconds())
        metrics.compactions.inc()
