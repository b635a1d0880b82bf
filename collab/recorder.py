"""Appends the flushes of one room to the log, in order, and keeps what the log could not take.

One append is under way at a time; while it is, the room gathers, so the log paces the room. When the log
is away, batches are merged into one that is tried again until it is recorded. A log may also fail to sync
what it has recorded, when the next append is under way already: no position is then acknowledged before all
below it.

A log that other nodes append to as well may have lost entries when it comes back: then the relay of the room
looks first, and says when to go on.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Protocol

from collab import metrics
from collab.flush import Batch
from collab.logs import log
from storage.base import UpdateLog
from storage.errors import StorageError
from storage.format import encode_entry
from storage.values import Cursor, Level

_RETRY = (0.25, 5.0)  # seconds between tries while the log is away: first, longest
_RETAINED_BYTES = 4 << 20  # kept by author while the log is away; beyond it, one diff without authors


class Owner(Protocol):
    """The room that a recorder works for."""

    def recorded(self, batch: Batch) -> None:
        """The entry of `batch` is in the log."""

    def reached(self, position: int) -> None:
        """All flushes up to `position` have reached the level that acknowledgements name."""

    def away(self, batch: Batch | None) -> None:
        """The log is away; `batch`, if any, could not be recorded: it is kept, and tried again."""

    def back(self) -> None:
        """Everything kept is recorded."""

    def resumed(self) -> None:
        """Appends are taken again."""

    def diff(self, state_vector: bytes) -> bytes:
        """What the document holds beyond `state_vector`."""

    def now(self) -> int:
        """Unix time, milliseconds."""


class Recorder:
    """The log's side of one room.

    Attributes:
        cursor: the newest entry of the log that the document holds.
        is_away: whether the log did not take the last append.
        entries, size: recorded since the snapshot that the document was loaded from, or compacted to.
        oldest: event-loop time of the first of them, about.
        compact_after: event-loop time before which no snapshot is tried.
        on_doubt: called when an append failed; without it, appends are tried again after a while.
    """

    def __init__(
        self,
        material: str,
        log_: UpdateLog,
        level: Level,
        cursor: Cursor,
        state_vector: bytes,
        owner: Owner,
        *,
        hold: bool,
    ) -> None:
        self.cursor = cursor
        self.is_away = False
        self.entries = 0
        self.size = 0
        self.oldest = 0.0
        self.compact_after = 0.0
        self.on_doubt: Callable[[], None] | None = None
        self._material = material
        self._log = log_
        self._level = level
        self._owner = owner
        self._hold = hold  # while the log is away, take no further batch
        self._state = state_vector  # of the document after the newest batch
        self._newest = 0  # position of that batch
        self._sent: Batch | None = None  # its append is under way
        self._unseen = False  # and is its first: nobody was shown it yet, so nothing behind it may be shown
        self._pending: list[Batch] = []  # given to the log, neither at the level nor failed
        self._kept: list[Batch] = []  # wait for the log to come back, ascending, neighbours merged
        self._delay = _RETRY[0]
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False  # nothing may be appended before `resume`
        self._closed = False

    @property
    def is_busy(self) -> bool:
        """Whether `append` may not be called now."""
        if self.is_away:
            return self._hold or self._unseen
        return self._sent is not None or self._paused

    @property
    def is_sending(self) -> bool:
        """Whether an append is under way."""
        return self._sent is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way to the log."""
        return self._sent is None and not self._kept

    @property
    def is_unsure(self) -> bool:
        """Whether the log may have lost what the document holds, and was not looked at yet."""
        return self._paused

    def append(self, batch: Batch) -> None:
        """Record `batch`, or keep it while the log is away."""
        batch.base, self._state = self._state, batch.state_vector
        self._newest = batch.position
        if not self.is_away:
            self._unseen = True
            self._send(batch)
            return
        self._keep(batch)
        self._owner.away(batch)

    def close(self) -> None:
        """Stop trying, and acknowledge nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    async def until_sent(self, seconds: float) -> None:
        """Return when no append is under way any more, or after so long."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._sent is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - rare
            await asyncio.sleep(0.005)

    def compacted(self, entries: int, size: int) -> None:
        """A snapshot covers so many of the entries that were counted."""
        self.entries -= entries
        self.size -= size
        self.compact_after = 0.0

    def known(self, cursor: Cursor) -> None:
        """The document holds the entry at `cursor`, and all before it."""
        self.cursor = max(self.cursor, cursor)

    def interrupt(self) -> None:
        """Append nothing before `resume`: the log may have lost what the next batch rests on."""
        self._paused = True

    def give_up(self) -> None:
        """`resume` will not come soon: the log counts as away."""
        if not self.is_away and not self._closed:
            self.is_away = True
            self._owner.away(None)

    def resume(
        self, cursor: Cursor | None = None, lost: bytes | None = None, clients: Collection[int] = ()
    ) -> None:
        """Append again, on top of `cursor` if given; first of all what the log has `lost`.

        `clients` are those whose structs it holds.
        """
        self._paused = False
        if self._closed:
            return
        if cursor is not None:
            self.cursor = cursor
        if lost is not None:
            self._mend(lost, clients)
        if self._sent is None and self._kept:
            self._send(self._kept.pop(0))
        elif self._sent is None:
            self._come_back()
        self._owner.resumed()

    def recorded(self, batch: Batch, cursor: Cursor) -> None:
        """The log has taken `batch`."""
        self.known(cursor)
        self.entries += 1
        self._sent, self._unseen = None, False
        if self._closed:
            return
        if not self._paused:
            if self._kept:
                self._send(self._kept.pop(0))
            else:
                self._come_back()
        self._owner.recorded(batch)

    def reached(self, batch: Batch, level: Level) -> None:
        """The log holds `batch` at `level`."""
        if level is self._level and not self._closed:
            self._pending.remove(batch)
            waiting = (other.first for other in (*self._pending, *self._kept))
            self._owner.reached(min(waiting, default=self._newest + 1) - 1)

    def failed(self, batch: Batch, error: StorageError) -> None:
        """The log did not take `batch`, or could not sync it: keep it and what comes behind it."""
        metrics.append_failures.inc()
        log.warning("append failed", material=self._material, error=str(error), retry=self._delay)
        if batch is self._sent:
            self._sent, self._unseen = None, False
        if self._closed:
            return
        if batch in self._pending:
            self._pending.remove(batch)
        self._keep(batch)
        self.is_away = True
        self._owner.away(batch)
        if self.on_doubt is not None:
            self.on_doubt()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self._retry)
            self._delay = min(self._delay * 2, _RETRY[1])

    def _come_back(self) -> None:
        if self.is_away:
            self.is_away = False
            self._delay = _RETRY[0]
            log.info("log is back", material=self._material)
            self._owner.back()

    def _mend(self, lost: bytes, clients: Collection[int]) -> None:
        if not self._kept:
            batch = Batch(self._newest)  # shown and told of before: its outcome tells nobody anything
            batch.base = batch.state_vector = self._state
            self._kept = [batch]
        self._kept[0].mend(lost, clients)

    def _send(self, batch: Batch) -> None:
        entry = encode_entry(batch.entry(self._owner.now()))
        self._sent = batch
        self._pending.append(batch)
        self.size += len(entry)
        metrics.entry_bytes.observe(len(entry))
        self._log.append(self._material, entry, self.cursor, _Append(self, batch))

    def _keep(self, batch: Batch) -> None:
        kept: list[Batch] = []
        for each in sorted((*self._kept, batch), key=lambda each: each.first):
            if kept and kept[-1].position + 1 == each.first:
                kept[-1].absorb(each)
            else:
                kept.append(each)
        if kept[-1].size > _RETAINED_BYTES:
            kept[-1].collapse(self._owner.diff(kept[-1].base))
        self._kept = kept

    def _retry(self) -> None:
        self._timer = None
        if self._sent is None and self._kept:
            self._send(self._kept.pop(0))


class _Append:
    """The outcome of one append, handed on with its batch."""

    __slots__ = ("_batch", "_recorder", "_started")

    def __init__(self, recorder: Recorder, batch: Batch) -> None:
        self._recorder = recorder
        self._batch = batch
        self._started = time.perf_counter()

    def recorded(self, cursor: Cursor) -> None:
        metrics.append_seconds.observe(time.perf_counter() - self._started)
        self._recorder.recorded(self._batch, cursor)
        self._recorder.reached(self._batch, Level.RECORDED)

    def reached(self, level: Level) -> None:
        self._recorder.reached(self._batch, level)

    def failed(self, error: StorageError) -> None:
        self._recorder.failed(self._batch, error)
