"""For tests: the contracts of the two interfaces, and a log whose appends can be held back.

A backend's test module subclasses a contract, gives it the fixture that it asks for and marks the class with
`pytest.mark.anyio`; pytest then collects the inherited tests:

    @pytest.mark.anyio
    class TestMyLog(UpdateLogContract):
        @pytest.fixture
        async def log(self) -> AsyncIterator[UpdateLog]: ...
"""

# ruff: noqa: D102 - the names of tests say what they test

import asyncio
from collections.abc import Sequence
from enum import Enum, auto

from storage.base import Follower, ObjectStore, Outcome, UpdateLog
from storage.errors import LostTail, Missing, StorageError
from storage.values import ZERO, Cursor, Level, LogState, Position


class Receipt:
    """An Outcome that keeps what it was told.

    Attributes:
        cursor: where the entry was recorded, None before.
        levels: what it has reached, in order; the first is RECORDED.
        error: what it failed with, or None.
    """

    def __init__(self) -> None:
        self.cursor: Cursor | None = None
        self.levels: list[Level] = []
        self.error: StorageError | None = None
        self._told = asyncio.Event()  # replaced whenever something is told

    def recorded(self, cursor: Cursor) -> None:
        """See Outcome."""
        self.cursor = cursor
        self.reached(Level.RECORDED)

    def reached(self, level: Level) -> None:
        """See Outcome."""
        self.levels.append(level)
        self._tell()

    def failed(self, error: StorageError) -> None:
        """See Outcome."""
        self.error = error
        self._tell()

    async def until(self, level: Level = Level.RECORDED) -> Cursor:
        """Wait until the entry has reached `level`; its cursor. Raises the error that it failed with."""
        while self.error is None and level not in self.levels:
            await self._told.wait()
        if self.error is not None:
            raise self.error
        assert self.cursor is not None, "reached before recorded"
        return self.cursor

    def _tell(self) -> None:
        self._told.set()
        self._told = asyncio.Event()


async def append(
    log: UpdateLog, doc: str, entry: bytes, after: Cursor = ZERO, *, heals: bool = False
) -> Cursor:
    """Append one entry and wait until it has reached the log's strongest level; its cursor."""
    receipt = Receipt()
    log.append(doc, entry, after, receipt, heals=heals)
    return await receipt.until(log.strongest)


class Hold(Enum):
    """Where a HeldLog holds appends."""

    APPEND = auto()
    """Before they reach the log: neither recorded nor failed."""
    LEVEL = auto()
    """After they were recorded, before they reach a level above."""


class HeldLog:
    """An UpdateLog around another, whose appends can be held, then released or failed.

    Everything but `append` goes straight to the log inside.
    """

    def __init__(self, inner: UpdateLog) -> None:
        self.strongest = inner.strongest
        self.shared = inner.shared
        self.node = inner.node
        self._inner = inner
        self._where: Hold | None = None
        self._held: list[_Held] = []  # in call order

    @property
    def waiting(self) -> int:
        """Appends that are held."""
        return len(self._held)

    def hold(self, where: Hold = Hold.APPEND) -> None:
        """Hold all appends from here on."""
        self._where = where

    def release(self) -> None:
        """Let go of all that is held, in call order, and hold no more."""
        for held in self._let_go():
            held.release(self._inner)

    def fail(self, error: StorageError, *, stored: bool = False) -> None:
        """Fail all that is held, and hold no more. With `stored` the entries reach the log all the same."""
        for held in self._let_go():
            held.fail(self._inner, error, stored)

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        if self._where is None:
            self._inner.append(doc, entry, after, outcome, heals=heals)
            return
        held = _Held(doc, entry, after, outcome, heals)
        self._held.append(held)
        if self._where is Hold.LEVEL:
            held.start(self._inner)

    async def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        return await self._inner.state(doc)

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        return await self._inner.positions(docs)

    async def documents(self) -> list[str]:
        """See UpdateLog."""
        return await self._inner.documents()

    async def follow(self, doc: str, follower: Follower) -> None:
        """See UpdateLog."""
        await self._inner.follow(doc, follower)

    def unfollow(self, doc: str) -> None:
        """See UpdateLog."""
        self._inner.unfollow(doc)

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        await self._inner.raise_floor(doc, floor)

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog."""
        return await self._inner.read(doc, after)

    async def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        await self._inner.trim(doc, upto)

    async def close(self) -> None:
        """See UpdateLog; what is held is released first."""
        self.release()
        await self._inner.close()

    def _let_go(self) -> "list[_Held]":
        held, self._held, self._where = self._held, [], None
        return held


class _Held:
    """One held append, and the outcome that the log inside sees."""

    def __init__(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, heals: bool) -> None:
        self._call = (doc, entry, after)
        self._heals = heals
        self._outcome = outcome
        self._started = False  # handed to the log inside
        self._free = False  # no longer held
        self._over = False  # told that it failed
        self._levels: list[Level] = []  # reached while held

    def start(self, inner: UpdateLog) -> None:
        self._started = True
        inner.append(*self._call, self, heals=self._heals)

    def release(self, inner: UpdateLog) -> None:
        self._free = True
        if not self._started:
            self.start(inner)
        levels, self._levels = self._levels, []
        for level in levels:
            self.reached(level)

    def fail(self, inner: UpdateLog, error: StorageError, stored: bool) -> None:
        self.failed(error)
        if stored and not self._started:
            self.start(inner)

    def recorded(self, cursor: Cursor) -> None:
        if not self._over:
            self._outcome.recorded(cursor)

    def reached(self, level: Level) -> None:
        if not self._free:
            self._levels.append(level)
        elif not self._over:
            self._outcome.reached(level)

    def failed(self, error: StorageError) -> None:
        if not self._over:
            self._over = True
            self._outcome.failed(error)


class UpdateLogContract:
    """What every UpdateLog does. Needs a fixture `log`: an empty log, closed afterwards."""

    async def reopen(self, log: UpdateLog) -> UpdateLog:
        """Close `log` and open what it stored; backends that store nothing return `log` itself.

        The caller closes what this returns.
        """
        return log

    async def test_a_document_never_written_is_empty(self, log: UpdateLog) -> None:
        assert await log.state("new") == LogState(ZERO, ZERO, 0, 0, 0)
        assert await log.read("new", ZERO) == []

    async def test_entries_come_back_in_order_above_the_given_cursor(self, log: UpdateLog) -> None:
        cursors = [await append(log, "a", bytes([n])) for n in range(5)]
        assert cursors == sorted(set(cursors))
        assert cursors[0] > ZERO
        assert await log.read("a", ZERO) == [(at, bytes([n])) for n, at in enumerate(cursors)]
        assert await log.read("a", cursors[2]) == [(cursors[3], b"\x03"), (cursors[4], b"\x04")]
        assert await log.read("a", cursors[4]) == []

    async def test_outcomes_are_told_later_in_order_and_once(self, log: UpdateLog) -> None:
        receipts = [Receipt() for _ in range(20)]
        for number, receipt in enumerate(receipts):
            log.append("a", bytes([number]), ZERO, receipt)
            assert receipt.levels == []
        cursors = [await receipt.until(log.strongest) for receipt in receipts]
        assert cursors == sorted(set(cursors))
        await asyncio.sleep(0)
        assert {tuple(receipt.levels) for receipt in receipts} == {
            tuple(dict.fromkeys((Level.RECORDED, log.strongest)))
        }
        assert await log.read("a", ZERO) == [(at, bytes([n])) for n, at in enumerate(cursors)]

    async def test_an_entry_is_readable_once_it_is_recorded(self, log: UpdateLog) -> None:
        receipt = Receipt()
        log.append("a", b"x", ZERO, receipt)
        cursor = await receipt.until()
        assert await log.read("a", ZERO) == [(cursor, b"x")]
        await receipt.until(log.strongest)

    async def test_documents_do_not_touch_each_other(self, log: UpdateLog) -> None:
        names = ["a", "A", "a/b", "../a", "%61", "ä", "a\x00", ""]
        for name in names:
            await append(log, name, name.encode())
        await log.trim("a", await append(log, "a", b"gone"))
        for name in names[1:]:
            assert [entry for _, entry in await log.read(name, ZERO)] == [name.encode()]
            assert (await log.state(name)).trimmed == ZERO

    async def test_state_counts_what_is_held(self, log: UpdateLog) -> None:
        first = await append(log, "a", b"12")
        last = await append(log, "a", b"345")
        state = await log.state("a")
        assert (state.last, state.trimmed, state.entries, state.size) == (last, ZERO, 2, 5)
        assert state.oldest > 0
        await log.trim("a", first)
        state = await log.state("a")
        assert (state.last, state.trimmed, state.entries, state.size) == (last, first, 1, 3)

    async def test_trimming_is_idempotent_and_never_goes_back(self, log: UpdateLog) -> None:
        cursors = [await append(log, "a", b"x") for _ in range(4)]
        for upto in (cursors[2], cursors[2], cursors[0], ZERO):
            await log.trim("a", upto)
            assert (await log.state("a")).trimmed == cursors[2]
            assert await log.read("a", ZERO) == [(cursors[3], b"x")]

    async def test_cursors_never_restart_after_trimming_to_empty(self, log: UpdateLog) -> None:
        last = ZERO
        for _ in range(3):
            cursor = await append(log, "a", b"x")
            assert cursor > last
            last = cursor
            await log.trim("a", last)
            log = await self.reopen(log)
            state = await log.state("a")
            assert (state.last, state.trimmed, state.entries, state.oldest) == (last, last, 0, 0)
        await log.close()

    async def test_trimming_beyond_the_end_keeps_later_cursors_above(self, log: UpdateLog) -> None:
        await append(log, "a", b"x")
        await log.trim("a", Cursor(3, 7))
        assert await append(log, "a", b"y") > Cursor(3, 7)

    async def test_an_entry_on_top_of_what_the_log_lost_is_refused(self, log: UpdateLog) -> None:
        first = await append(log, "a", b"x")
        gone = Cursor(first.epoch, first.sequence + 1)
        for after in (gone, Cursor(2, 9)):
            assert await _is_refused(log, after)
        last = await append(log, "a", b"z", first)
        assert await _is_refused(log, gone)
        assert await log.read("a", ZERO) == [(first, b"x"), (last, b"z")]

    async def test_an_entry_rests_on_any_that_is_held_or_was_trimmed(self, log: UpdateLog) -> None:
        cursors = [await append(log, "a", bytes([n])) for n in range(4)]
        for after in (ZERO, *cursors):
            assert await append(log, "a", b"x", after) > cursors[-1]
        await log.trim("a", cursors[2])
        for after in (ZERO, *cursors):
            assert await append(log, "a", b"y", after) > cursors[-1]

    async def test_an_entry_that_heals_starts_the_next_epoch(self, log: UpdateLog) -> None:
        await append(log, "a", b"x")
        healing = await append(log, "a", b"y", Cursor(2, 9), heals=True)
        assert healing.epoch == 3
        assert (await append(log, "a", b"z", ZERO)) > healing
        assert (await log.state("a")).trimmed == ZERO

    async def test_the_same_number_for_another_entry_is_another_cursor(self, log: UpdateLog) -> None:
        cursors = {await append(log, str(n), str(n).encode()) for n in range(20)}
        assert len(cursors) == 20

    async def test_positions_come_for_many_documents_at_once(self, log: UpdateLog) -> None:
        first = await append(log, "a", b"x")
        last = await append(log, "a", b"y")
        await log.trim("a", first)
        other = await append(log, "b", b"x")
        assert await log.positions(["b", "new", "a"]) == [
            Position(other, ZERO),
            Position(ZERO, ZERO),
            Position(last, first),
        ]
        assert await log.positions([]) == []

    async def test_all_documents_are_listed(self, log: UpdateLog) -> None:
        names = ["a", "b/c", "ä 1", "%61"]
        for name in names:
            await append(log, name, b"x")
        await log.trim("a", (await log.state("a")).last)
        assert await log.documents() == sorted(names)

    async def test_a_log_younger_than_its_floor_starts_the_next_epoch(self, log: UpdateLog) -> None:
        floor = Cursor(4, 100)
        await append(log, "a", b"old")
        for _ in range(2):
            await log.raise_floor("a", floor)
            state = await log.state("a")
            assert (state.last, state.trimmed) == (floor, floor)
        log = await self.reopen(log)
        cursor = await append(log, "a", b"x")
        assert cursor.epoch == 5
        assert (await append(log, "a", b"y")).epoch == 5
        await log.close()

    async def test_a_floor_below_the_end_changes_nothing(self, log: UpdateLog) -> None:
        first = await append(log, "a", b"x")
        last = await append(log, "a", b"y")
        for floor in (ZERO, first, last):
            await log.raise_floor("a", floor)
        state = await log.state("a")
        assert (state.last, state.trimmed) == (last, ZERO)
        assert (await append(log, "a", b"z")).epoch == last.epoch

    async def test_what_was_stored_is_there_after_reopening(self, log: UpdateLog) -> None:
        cursor = await append(log, "a", b"x")
        log = await self.reopen(log)
        assert await log.read("a", ZERO) == [(cursor, b"x")]
        assert await append(log, "a", b"y") > cursor
        await log.close()

    async def test_closing_finishes_the_appends_under_way(self, log: UpdateLog) -> None:
        receipts = [Receipt() for _ in range(50)]
        for receipt in receipts:
            log.append("a", b"x", ZERO, receipt)
        await log.close()
        assert all(log.strongest in receipt.levels for receipt in receipts)


class ObjectStoreContract:
    """What every ObjectStore does. Needs a fixture `objects`: an empty store."""

    async def test_an_object_comes_back(self, objects: ObjectStore) -> None:
        for data in (b"", b"x", bytes(range(256)) * 5000):
            name = f"a/b/{len(data)}"
            await objects.put(name, data)
            assert await objects.get(name) == data

    async def test_a_name_never_written_is_missing(self, objects: ObjectStore) -> None:
        await objects.put("a/b", b"x")
        for name in ("a/c", "c", "a/b2"):
            assert await _is_missing(objects, name)

    async def test_putting_again_is_harmless(self, objects: ObjectStore) -> None:
        await asyncio.gather(*(objects.put("a/b", b"x") for _ in range(5)))
        assert await objects.get("a/b") == b"x"
        assert await objects.list("") == ["a/b"]

    async def test_names_are_listed_by_prefix_and_sorted(self, objects: ObjectStore) -> None:
        names = ["a/1", "a/2", "a%2f/1", "a+/b/1", "a/b/c/1", "ab/1", "b/1"]
        for name in reversed(names):
            await objects.put(name, b"")
        assert await objects.list("") == sorted(names)
        assert await objects.list("a/") == ["a/1", "a/2", "a/b/c/1"]
        assert await objects.list("a/b") == ["a/b/c/1"]
        assert await objects.list("a/2") == ["a/2"]
        assert await objects.list("c/") == []

    async def test_a_deleted_object_is_missing(self, objects: ObjectStore) -> None:
        await objects.put("a/1", b"x")
        await objects.put("a/2", b"y")
        for _ in range(2):
            await objects.delete("a/1")
            assert await objects.list("a/") == ["a/2"]
            assert await _is_missing(objects, "a/1")
        await objects.delete("never/written")
        await objects.put("a/1", b"x")
        assert await objects.get("a/1") == b"x"


async def _is_refused(log: UpdateLog, after: Cursor) -> bool:
    try:
        await append(log, "a", b"refused", after)
    except LostTail:
        return True
    return False


async def _is_missing(objects: ObjectStore, name: str) -> bool:
    try:
        await objects.get(name)
    except Missing:
        return True
    return False
