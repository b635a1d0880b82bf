"""Keeps one room level with its log while other nodes append to it.

Announcements come by a way that may lose some, so each names the entry before it: one that does not follow
on what is known makes this node read the log. Entries come back idempotent, and in the log's order each
rests only on those before it.

A log may also lose its newest entries, or all (a failover, a restart without persistence). Then what was
lost and this node still has is put back before anything else is appended; see `docs/cluster.md`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import random
from typing import Protocol

from collab import metrics
from collab.document import BIG, EMPTY_STATE_VECTOR, Document
from collab.logs import log
from collab.room import Room
from collab.updates import Admission
from storage.base import ObjectStore, UpdateLog
from storage.errors import StorageError
from storage.format import decode_entry
from storage.loader import load
from storage.snapshots import Snapshots
from storage.state import join
from storage.values import ZERO, Announcement, Cursor, Position

_QUEUED_BYTES = (
    16 << 20
)  # of announcements that wait; beyond it they are dropped, and read from the log later
_RETRY = 0.5  # seconds between tries to get level while storage does not answer


class Gap(Exception):
    """An entry rests on content that this node does not have."""


class Admit(Protocol):
    """Checks an update that is too big for the loop."""

    def __call__(self, room: Room, update: bytes) -> Awaitable[Admission]:
        """What of `update` can be applied."""


class Relay:
    """The log's followers' side of one room.

    Attributes:
        position: every entry up to it was applied.
    """

    def __init__(
        self,
        material: str,
        update_log: UpdateLog,
        objects: ObjectStore,
        admit: Admit,
        on_broken: Callable[[Room, Exception], None],
    ) -> None:
        self.position = ZERO
        self._material = material
        self._log = update_log
        self._objects = objects
        self._admit = admit
        self._on_broken = on_broken  # the log holds what cannot be applied
        self._room: Room | None = None
        self._queue: deque[Announcement] = deque()
        self._queued = 0  # bytes in it
        self._work: asyncio.Task[None] | None = None  # applies big entries, or gets level
        self._lagging = False  # at the last check the log was ahead
        self._doubts = 0  # times that the log may have lost entries
        self._resolved = 0  # how many of them were looked into

    async def follow(self) -> None:
        """Hear of new entries from here on; they wait for `start`. Raises Unavailable."""
        await self._log.follow(self._material, self)

    def start(self, room: Room, cursor: Cursor) -> None:
        """`room` holds everything up to `cursor`."""
        self._room, self.position = room, cursor
        if self._log.shared:
            room.recorder.on_doubt = self.doubt
        self._drop_known()
        if self._unsure:
            self.doubt()
        else:
            self._pump()

    def close(self) -> None:
        """Hear nothing more."""
        self._log.unfollow(self._material)
        self._room = None
        if self._work is not None:
            self._work.cancel()

    # From the log (storage.base.Follower)

    def announced(self, announcement: Announcement) -> None:
        """Apply an entry, now or in its turn."""
        self._queue.append(announcement)
        self._queued += len(announcement.entry)
        if self._queued > _QUEUED_BYTES:
            self._queue.clear()
            self._queued = 0
        self._pump()

    def interrupted(self) -> None:
        """The log was away; what it holds now has to be looked at before anything is appended."""
        self.doubt()

    def doubt(self) -> None:
        """Nothing more is appended until the log was found to hold what this node knows."""
        self._doubts += 1
        if self._room is not None:
            self._room.recorder.interrupt()
            self._get_level()

    @property
    def _unsure(self) -> bool:
        return self._doubts > self._resolved

    def compare(self, before: Cursor, there: Position) -> None:
        """Called every few seconds: where this stood, then the log. An announcement may have been lost."""
        behind = there.last != self.position
        if there.last < before:
            self.doubt()
        elif behind and self._lagging:
            self._get_level()
        self._lagging = behind

    # Applying

    def _pump(self) -> None:
        """Apply what waits, as far as that is quickly done."""
        while self._queue and self._work is None and self._room is not None:
            room, first = self._room, self._queue[0]
            if first.previous != self.position:
                if first.cursor <= self.position:  # late, or in the place of an entry that was lost
                    self._pop()
                self._get_level()
            elif first.node == self._log.node:
                self._advance(self._pop().cursor)
            elif len(first.entry) > BIG or room.document.index is None:
                self._begin(room, partial(self._catch_up, self._pop()))
            else:
                self._apply_now(room, self._pop())

    def _pop(self) -> Announcement:
        announcement = self._queue.popleft()
        self._queued -= len(announcement.entry)
        return announcement

    def _advance(self, cursor: Cursor) -> None:
        self.position = cursor
        if self._room is not None:
            self._room.recorder.known(cursor)

    def _apply_now(self, room: Room, announcement: Announcement) -> None:
        try:
            update = _update(announcement.entry)
            if update is not None:
                self._take(room, room.document.admit(update), len(announcement.entry))
            self._advance(announcement.cursor)
        except Gap:
            self.doubt()
        except Exception as error:  # noqa: BLE001 - whatever it is, this document object is not to be trusted
            self._on_broken(room, error)

    async def _catch_up(self, announcement: Announcement, room: Room) -> None:
        """Apply an entry that is big, or once the index is there."""
        await self._apply(room, announcement.cursor, announcement.entry)

    async def _apply(self, room: Room, cursor: Cursor, entry: bytes) -> None:
        update = _update(entry)
        if update is not None:
            self._take(room, await self._admit(room, update), len(entry))
        self._advance(cursor)

    def _take(self, room: Room, admission: Admission, size: int) -> None:
        if admission.parked is not None:
            raise Gap
        room.take(admission)
        room.recorder.entries += 1
        room.recorder.size += size

    # Getting level

    def _get_level(self) -> None:
        if self._room is not None and self._work is None:
            self._begin(self._room, self._level)

    def _begin(self, room: Room, work: Callable[[Room], Awaitable[None]]) -> None:
        self._work = asyncio.create_task(self._run(room, work))

    async def _run(self, room: Room, work: Callable[[Room], Awaitable[None]]) -> None:
        try:
            await work(room)
        except Gap:
            self.doubt()
        except StorageError as error:
            log.info("not level with the log", material=self._material, error=str(error))
            if self._unsure:
                room.recorder.give_up()
            await asyncio.sleep(_RETRY * (1 + random()))  # rooms take turns
        except Exception as error:  # noqa: BLE001 - as in `_apply_now`
            self._on_broken(room, error)
        self._work = None
        if self._unsure:
            self._get_level()
        else:
            self._pump()

    async def _level(self, room: Room) -> None:
        """Read what was missed; where the log has lost entries, put them back."""
        doubts = self._doubts
        if self._unsure:
            await room.recorder.until_sent(_RETRY)
        # The announcement of an entry of this node's own may be lost, or late.
        known = {self.position, room.recorder.cursor}
        there = (await self._log.positions([self._material]))[0]
        if await self._is_sound(there, known) and await self._read_on(room):
            self._drop_known()
            if self._unsure:
                self._resolved = doubts
                room.recorder.resume()
        else:
            await self._reconcile(room)
            self._resolved = doubts

    async def _read_on(self, room: Room) -> bool:
        """Apply the entries behind the position; False where one rests on what only a snapshot can hold."""
        metrics.relay_gaps.inc()
        try:
            for cursor, entry in await self._log.read(self._material, self.position):
                await self._apply(room, cursor, entry)
        except Gap:
            return False
        return True

    async def _is_sound(self, there: Position, known: Iterable[Cursor]) -> bool:
        """Whether the log holds the `known` entries, and what the newest snapshot holds."""
        for cursor in known:
            if not await self._holds(there, cursor):
                return False
        if not self._unsure:
            return True
        snapshots = await Snapshots(self._objects).list(self._material)
        return not snapshots or await self._holds(there, snapshots[-1].cursor)

    async def _holds(self, there: Position, cursor: Cursor) -> bool:
        """Whether the entry at `cursor` is in the log, or was just trimmed from it."""
        if cursor in (there.last, there.trimmed):
            return True
        if not there.trimmed < cursor < there.last:
            return False
        before = Cursor(cursor.epoch, cursor.sequence - 1)
        rows = await self._log.read(self._material, before)
        return bool(rows) and rows[0][0] == cursor

    async def _reconcile(self, room: Room) -> None:
        """Take what storage has and this node lacks, then give storage what it lacks."""
        room.recorder.interrupt()
        await room.recorder.until_sent(_RETRY)
        loaded = await load(self._material, self._log, self._objects)
        stored = Document()
        stored.load(loaded.updates)
        news = stored.diff(room.document.state_vector())
        self._take(room, await self._admit(room, news), len(news))
        lost = room.document.diff(stored.state_vector())
        self.position = loaded.cursor
        self._drop_known()
        ours, theirs, before = room.document.clocks, stored.clocks, stored.diff(EMPTY_STATE_VECTOR)
        stored.load([lost])
        if stored.diff(EMPTY_STATE_VECTOR) == before:  # a state vector would not tell of deletions
            room.recorder.resume(loaded.cursor)
            return
        metrics.healed.inc()
        log.warning("the log had lost edits: put back", material=self._material, size=len(lost))
        clients = [client for client, clock in ours.items() if clock > theirs.get(client, 0)]
        room.recorder.resume(loaded.cursor, lost, clients)

    def _drop_known(self) -> None:
        while self._queue and self._queue[0].cursor <= self.position:
            self._pop()


def _update(entry: bytes) -> bytes | None:
    """What the entry does, as one update; None for one without parts. Raises Corrupt, ValueError."""
    parts = decode_entry(entry).parts
    return join([part.update for part in parts]) if parts else None
