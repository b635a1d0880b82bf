"""Snapshots are verified when written; a corrupt one is reported and the one before is used."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from storage.errors import Corrupt, Unavailable
from storage.keys import snapshot_prefix
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots, warn
from storage.state import merge
from storage.values import Cursor
from tests.storage.documents import Author, flip

pytestmark = pytest.mark.anyio


def _state(count: int = 5) -> bytes:
    author = Author(count)
    return merge([author.edit() for _ in range(count)])


async def test_a_snapshot_comes_back() -> None:
    snapshots = Snapshots(MemoryObjects())
    assert await snapshots.newest("a") is None
    name = await snapshots.write("a", Cursor(0, 5), _state(), 1000)
    assert [key.name for key in await snapshots.list("a")] == [name]
    newest = await snapshots.newest("a")
    assert newest is not None
    assert (newest.cursor, newest.time, newest.chunks) == (Cursor(0, 5), 1000, (_state(),))


async def test_the_greatest_cursor_is_the_newest_whatever_the_clock_says() -> None:
    snapshots = Snapshots(MemoryObjects())
    for cursor, time in ((Cursor(0, 9), 3000), (Cursor(1, 1), 1000), (Cursor(0, 10), 2000)):
        await snapshots.write("a", cursor, _state(), time)
    found = await snapshots.valid("a", 2)
    assert [snapshot.cursor for _, snapshot in found] == [Cursor(1, 1), Cursor(0, 10)]


async def test_a_corrupt_snapshot_is_reported_and_the_one_before_is_used() -> None:
    objects, reported = MemoryObjects(), list[Corrupt]()
    snapshots = Snapshots(objects, on_corrupt=reported.append)
    await snapshots.write("a", Cursor(0, 1), _state(), 1000)
    name = await snapshots.write("a", Cursor(0, 2), _state(), 1000)
    good = objects.stored[name]
    for at in range(len(good)):
        objects.stored[name] = flip(good, at)
        newest = await snapshots.newest("a")
        assert newest is not None
        assert newest.cursor == Cursor(0, 1)
    assert [error.name for error in reported] == [name] * len(good)
    warn(reported[0])


async def test_a_snapshot_under_another_name_is_corrupt() -> None:
    objects, reported = MemoryObjects(), list[Corrupt]()
    snapshots = Snapshots(objects, on_corrupt=reported.append)
    name = await snapshots.write("a", Cursor(0, 1), _state(), 1000)
    objects.stored[name.replace("0000000001-", "0000000009-")] = objects.stored.pop(name)
    assert await snapshots.newest("a") is None
    assert len(reported) == 1


async def test_a_snapshot_with_the_state_of_another_is_corrupt() -> None:
    objects, reported = MemoryObjects(), list[Corrupt]()
    snapshots = Snapshots(objects, on_corrupt=reported.append)
    one = await snapshots.write("a", Cursor(0, 1), _state(1), 1000)
    other = await snapshots.write("a", Cursor(0, 1), _state(2), 1000)
    objects.stored[one] = objects.stored.pop(other)
    assert await snapshots.newest("a") is None
    assert len(reported) == 1


async def test_a_state_with_a_hole_is_never_stored() -> None:
    author = Author()
    author.doc["text"] += "ab"
    author.doc["text"] += "cd"
    objects = MemoryObjects()
    with pytest.raises(Corrupt, match="does not open"):
        await Snapshots(objects).write("a", Cursor(0, 1), author.updates[-1], 1000)
    assert objects.stored == {}


async def test_bytes_that_change_on_the_way_to_the_store_are_corrupt() -> None:
    class Flipping(MemoryObjects):
        async def put(self, name: str, data: bytes) -> None:
            await super().put(name, flip(data))

    with pytest.raises(Corrupt):
        await Snapshots(Flipping()).write("a", Cursor(0, 1), _state(), 1000)


async def test_foreign_objects_and_deleted_ones_are_passed_over() -> None:
    class Stale(MemoryObjects):
        async def list(self, prefix: str) -> list[str]:
            return sorted([*await super().list(prefix), *stale])

    objects, stale = Stale(), []
    snapshots = Snapshots(objects)
    await snapshots.write("a", Cursor(0, 1), _state(), 1000)
    deleted = await snapshots.write("a", Cursor(0, 2), _state(), 1000)
    await objects.delete(deleted)
    stale += [deleted, snapshot_prefix("a") + ".DS_Store"]
    newest = await snapshots.newest("a")
    assert newest is not None
    assert newest.cursor == Cursor(0, 1)


async def test_a_big_state_is_verified_in_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.offload.BIG", 10)
    ran = []

    class Counting(ThreadPoolExecutor):
        def submit(self, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
            ran.append(args[0])
            return super().submit(*args, **kwargs)  # type: ignore[arg-type]

    with Counting(1) as executor:
        await Snapshots(MemoryObjects(), executor=executor).write("a", Cursor(0, 1), _state(), 1000)
    assert len(ran) == 1


async def test_a_broken_executor_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Executor):
        def submit(self, *args: object, **kwargs: object) -> Future[object]:  # type: ignore[override]
            raise BrokenProcessPool("a worker was killed")

    monkeypatch.setattr("storage.offload.BIG", 10)
    with pytest.raises(Unavailable, match="a worker was killed"):
        await Snapshots(MemoryObjects(), executor=Broken()).write("a", Cursor(0, 1), _state(), 1000)
