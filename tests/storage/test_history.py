"""History segments give back every entry once, or say that they are corrupt."""

import pytest

from storage.errors import Corrupt
from storage.history import History
from storage.memory_objects import MemoryObjects
from storage.values import Cursor
from tests.storage.documents import flip

pytestmark = pytest.mark.anyio

ROWS = [(Cursor(0, number), bytes([number]) * 10) for number in range(1, 9)]


async def test_overlapping_segments_give_each_entry_once() -> None:
    history = History(MemoryObjects())
    await history.write("a", [], 5)
    await history.write("a", ROWS[:3], 5)
    await history.write("a", ROWS[:6], 6)
    await history.write("a", ROWS[6:], 7)
    assert await history.read("a") == ROWS
    assert await history.read("a", ROWS[3][0]) == ROWS[4:]
    assert await history.read("b") == []


async def test_many_bytes_are_cut_into_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.history.SEGMENT_BYTES", 25)
    history = History(MemoryObjects())
    await history.write("a", [*ROWS, (Cursor(1, 1), bytes(99))], 5)
    keys = await history.list("a")
    assert [(key.first.sequence, key.last.sequence) for key in keys] == [
        (1, 2),
        (3, 4),
        (5, 6),
        (7, 8),
        (1, 1),
    ]
    assert await history.read("a") == [*ROWS, (Cursor(1, 1), bytes(99))]


async def test_a_flipped_byte_is_corrupt() -> None:
    objects = MemoryObjects()
    history = History(objects)
    await history.write("a", ROWS, 5)
    ((name, good),) = objects.stored.items()
    for at in range(len(good)):
        objects.stored[name] = flip(good, at)
        with pytest.raises(Corrupt) as caught:
            await history.read("a")
        assert caught.value.name == name


async def test_a_segment_under_another_name_is_corrupt() -> None:
    objects = MemoryObjects()
    history = History(objects)
    await history.write("a", ROWS, 5)
    ((name, good),) = objects.stored.items()
    objects.stored = {name.replace("8-", "9-"): good, "history/a/else": b""}
    with pytest.raises(Corrupt, match="not what its name says"):
        await history.read("a")


async def test_bytes_that_change_on_the_way_to_the_store_are_corrupt() -> None:
    class Losing(MemoryObjects):
        async def get(self, name: str) -> bytes:
            return self.stored[min(self.stored)]

    history = History(Losing())
    await history.write("a", ROWS[:3], 5)
    with pytest.raises(Corrupt):
        await history.write("a", ROWS[:4], 5)
