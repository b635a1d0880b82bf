"""Compaction shrinks the log and never loses anything, wherever it is interrupted."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from storage.base import ObjectStore, UpdateLog
from storage.compactor import Compactor, Limits
from storage.errors import Corrupt
from storage.history import History
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.retention import DAY, HOUR, YEAR
from storage.snapshots import Snapshots
from storage.testing import append
from storage.values import ZERO, Cursor
from tests.storage.documents import Author, entry, flip, view, write
from tests.storage.faults import Crash, Crashing

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000_000


def _ignore(error: Corrupt) -> None:
    """Some tests damage snapshots on purpose."""


async def _read(log: UpdateLog, objects: ObjectStore) -> object:
    return view((await load("a", log, objects, _ignore)).updates)


async def _entries(log: UpdateLog, objects: ObjectStore) -> list[Cursor]:
    """The cursors of all entries that history and log hold."""
    rows = dict(await History(objects).read("a")) | dict(await log.read("a", ZERO))
    return sorted(rows)


async def test_the_log_is_trimmed_up_to_the_second_newest_snapshot_only() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    compactor = Compactor(log, objects)
    cursors: list[Cursor] = []
    for turn in range(4):
        before = cursors[-1:]
        cursors += await write(log, author, 10)
        assert await compactor.compact("a", NOW + turn) == cursors[-1]
        state = await log.state("a")
        assert state.trimmed == (before[0] if turn else ZERO)
        assert state.entries == 10
        assert await _read(log, objects) == view(author.updates)
        assert await _entries(log, objects) == cursors


async def test_a_document_that_does_not_exist_gets_no_snapshot() -> None:
    objects = MemoryObjects()
    assert await Compactor(MemoryLog(), objects).compact("a", NOW) == ZERO
    assert objects.stored == {}


async def test_compacting_again_writes_nothing() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    compactor = Compactor(log, objects)
    await write(log, author, 3)
    await compactor.compact("a", NOW)
    stored = dict(objects.stored)
    await compactor.compact("a", NOW + 1)
    assert objects.stored == stored


async def test_any_one_snapshot_may_be_lost() -> None:
    """Each in turn is corrupted after every compaction."""
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    for turn in range(4):
        await write(log, author, 5)
        await Compactor(log, objects).compact("a", NOW + turn * HOUR)
        for name, good in list(objects.stored.items()):
            if name.startswith("snapshots/"):
                objects.stored[name] = flip(good)
                assert await _read(log, objects) == view(author.updates)
                objects.stored[name] = good


async def test_a_corrupt_snapshot_does_not_count_for_the_trim() -> None:
    """Nothing rests on it: the log and the snapshot before it stay until two good ones are newer."""
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    compactor = Compactor(log, objects, on_corrupt=_ignore)
    first = (await write(log, author, 3))[-1]
    await compactor.compact("a", NOW)
    second = (await write(log, author, 3))[-1]
    await compactor.compact("a", NOW + 1)
    (bad,) = [key.name for key in await Snapshots(objects).list("a") if key.cursor == second]
    objects.stored[bad] = flip(objects.stored[bad])
    await write(log, author, 3)
    third = await compactor.compact("a", NOW + 2)
    assert (await log.state("a")).trimmed == first
    (newest,) = [key.name for key in await Snapshots(objects).list("a") if key.cursor == third]
    objects.stored[newest] = flip(objects.stored[newest])
    assert await _read(log, objects) == view(author.updates)


@pytest.mark.parametrize("pause", [1, DAY])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
async def test_a_crash_after_any_call_leaves_nothing_missing(before: int, pause: int) -> None:
    """Each call of a compaction in turn takes effect and is its last, after `before` whole compactions."""
    call, crashed = 0, True
    while crashed:
        call += 1
        log, objects, author = MemoryLog(), MemoryObjects(), Author(call)
        cursors: list[Cursor] = []
        for turn in range(before):
            cursors += await write(log, author, 3)
            await Compactor(log, objects, history_age=YEAR).compact("a", NOW + turn * pause)
        cursors += await write(log, author, 3)
        crashing = Crashing(log, objects, call)
        crashed = await _crashes(Compactor(crashing, crashing, history_age=YEAR), NOW + before * pause)
        await _assert_whole(log, objects, author, cursors)
        await Compactor(log, objects, history_age=YEAR).compact("a", NOW + before * pause + 1)
        await _assert_whole(log, objects, author, cursors)
        await _lose_newest(objects)
        assert await _read(log, objects) == view(author.updates)
    assert call > 8


async def _crashes(compactor: Compactor, now: int) -> bool:
    try:
        await compactor.compact("a", now)
    except Crash:
        return True
    return False


async def _assert_whole(log: UpdateLog, objects: ObjectStore, author: Author, cursors: list[Cursor]) -> None:
    assert await _read(log, objects) == view(author.updates)
    assert await _entries(log, objects) == cursors


async def _lose_newest(objects: MemoryObjects) -> None:
    newest = (await Snapshots(objects).list("a"))[-1].name
    objects.stored[newest] = flip(objects.stored[newest])


async def test_snapshots_are_thinned_and_pinned_ones_kept() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    compactor = Compactor(log, objects)
    pinned: set[str] = set()
    for turn in range(30):
        await write(log, author, 1)
        await compactor.compact("a", NOW + turn * 60_000, pinned)
        if turn == 3:
            pinned.add((await Snapshots(objects).list("a"))[-1].name)
    names = {key.name for key in await Snapshots(objects).list("a")}
    assert pinned < names
    assert len(names) <= 5
    assert await _read(log, objects) == view(author.updates)


async def test_history_expires_after_its_age() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    compactor = Compactor(log, objects, history_age=DAY)
    for turn in range(3):
        await write(log, author, 2)
        await compactor.compact("a", NOW + turn * HOUR)
    assert len(await History(objects).list("a")) == 2
    await compactor.compact("a", NOW + DAY + HOUR)
    assert len(await History(objects).list("a")) == 1
    assert await _read(log, objects) == view(author.updates)


async def test_an_entry_that_rests_on_a_missing_one_is_never_compacted_away() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    author.doc["text"] += "ab"
    author.doc["text"] += "cd"
    await append(log, "a", entry(author.updates[-1]))
    with pytest.raises(Corrupt, match="missing"):
        await Compactor(log, objects).compact("a", NOW)
    assert objects.stored == {}
    assert (await log.state("a")).entries == 1


async def test_a_log_that_was_lost_goes_on_behind_its_snapshots() -> None:
    objects, author, log = MemoryObjects(), Author(), MemoryLog()
    for turn in range(3):
        loaded = await load("a", log, objects)
        await write(log, author, 3, loaded.cursor)
        await Compactor(log, objects).compact("a", NOW + turn)
        log = MemoryLog()
    assert (await load("a", log, objects)).cursor.epoch == 2
    assert await _read(log, objects) == view(author.updates)


async def test_big_documents_are_compacted_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.offload.BIG", 10)
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    await write(log, author, 20)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        await Compactor(log, objects, executor=executor).compact("a", NOW)
    assert (await load("a", log, objects)).entries_since_snapshot == 0
    assert await _read(log, objects) == view(author.updates)


@pytest.mark.parametrize(
    ("entries", "size", "age", "due"),
    [
        (0, 0, 10 * YEAR, False),
        (1, 1, 0, False),
        (499, 2**20 - 1, HOUR - 1, False),
        (500, 1, 0, True),
        (1, 2**20, 0, True),
        (1, 1, HOUR, True),
    ],
)
def test_a_compaction_is_due_by_count_bytes_or_age(entries: int, size: int, age: int, due: bool) -> None:
    assert Limits().due(entries, size, NOW - age, NOW) == due
