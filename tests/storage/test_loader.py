"""A document opens whole or not at all."""

import pytest
from pycrdt import merge_updates

from storage.errors import Corrupt, Unavailable
from storage.format import encode_entry
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.state import is_sound, merge
from storage.testing import append
from storage.values import ZERO, Cursor, Entry, Part
from tests.storage.documents import Author, entry, flip, view, write

pytestmark = pytest.mark.anyio


async def test_a_document_never_written_does_not_exist() -> None:
    loaded = await load("a", MemoryLog(), MemoryObjects())
    assert not loaded.exists
    assert (loaded.cursor, loaded.updates, loaded.entries_since_snapshot) == (ZERO, [], 0)


async def test_a_document_with_its_first_entry_empty_exists() -> None:
    log = MemoryLog()
    cursor = await append(log, "a", encode_entry(Entry(7)))
    loaded = await load("a", log, MemoryObjects())
    assert loaded.exists
    assert (loaded.cursor, loaded.updates, loaded.oldest_since_snapshot) == (cursor, [], 7)


async def test_the_snapshot_comes_first_then_the_entries_in_log_order() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    cursors = await write(log, author, 3)
    await Snapshots(objects).write("a", cursors[-1], merge(author.updates), 1000)
    entries = [entry(author.edit(), time) for time in (50, 60)]
    *_, last = [await append(log, "a", data) for data in entries]
    loaded = await load("a", log, objects)
    assert loaded.updates == [merge(author.updates[:3]), *author.updates[3:]]
    assert (loaded.cursor, loaded.snapshot_cursor) == (last, cursors[-1])
    assert (loaded.entries_since_snapshot, loaded.bytes_since_snapshot) == (2, sum(map(len, entries)))
    assert loaded.oldest_since_snapshot == 50


async def test_the_parts_of_an_entry_may_rest_on_each_other() -> None:
    """Two authors answer each other within one flush, and each has one part."""
    log, ann, bob = MemoryLog(), Author(0), Author(1)
    for author, other in ((ann, bob), (bob, ann), (ann, bob), (bob, ann)):
        author.doc["text"] += "ab"
        other.doc.apply_update(author.updates[-1])
    parts = tuple(
        Part(name, (), merge_updates(*ann.updates[at::2])) for at, name in enumerate(["ann", "bob"])
    )
    await append(log, "a", encode_entry(Entry(50, parts)))
    (update,) = (await load("a", log, MemoryObjects())).updates
    assert view([update]) == view(ann.updates)
    assert is_sound(update)


async def test_a_hole_between_snapshot_and_log_is_unavailable() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    cursors = await write(log, author, 4)
    await log.trim("a", cursors[1])
    with pytest.raises(Unavailable, match="are gone"):
        await load("a", log, objects)
    await Snapshots(objects).write("a", cursors[0], merge(author.updates[:1]), 1000)
    with pytest.raises(Unavailable, match="are gone"):
        await load("a", log, objects)
    await Snapshots(objects).write("a", cursors[1], merge(author.updates[:2]), 1000)
    assert view((await load("a", log, objects)).updates) == view(author.updates)


async def test_snapshots_restored_onto_an_empty_log_go_on_in_a_new_epoch() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    author.edit()
    restored = Cursor(2, 40)
    await Snapshots(objects).write("a", restored, merge(author.updates), 1000)
    loaded = await load("a", log, objects)
    assert (loaded.cursor, loaded.exists) == (restored, True)
    cursor = await append(log, "a", entry(author.edit()), loaded.cursor)
    assert cursor.epoch == 3
    assert view((await load("a", log, objects)).updates) == view(author.updates)


async def test_a_snapshot_lost_after_its_log_was_lost_is_unavailable() -> None:
    """The log started over above the second snapshot: the first one and that log have a hole between them."""
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    author.edit()
    await Snapshots(objects).write("a", Cursor(0, 10), merge(author.updates), 1000)
    author.edit()
    name = await Snapshots(objects).write("a", Cursor(0, 20), merge(author.updates), 2000)
    loaded = await load("a", log, objects)
    await append(log, "a", entry(author.edit()), loaded.cursor)
    objects.stored[name] = flip(objects.stored[name])
    with pytest.raises(Unavailable, match="are gone"):
        await load("a", log, objects, lambda error: None)


async def test_a_corrupt_entry_names_its_cursor() -> None:
    log, author = MemoryLog(), Author()
    await write(log, author, 2)
    cursor = await append(log, "a", flip(entry(author.edit())))
    with pytest.raises(Corrupt) as caught:
        await load("a", log, MemoryObjects())
    assert (caught.value.cursor, caught.value.name) == (cursor, "a")


async def test_a_corrupt_entry_below_the_snapshot_does_no_harm() -> None:
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    cursor = await append(log, "a", flip(entry(author.edit())))
    await Snapshots(objects).write("a", cursor, merge(author.updates), 1000)
    await write(log, author, 2)
    assert view((await load("a", log, objects)).updates) == view(author.updates)


async def test_a_storage_that_does_not_answer_is_never_an_empty_document() -> None:
    class Away(MemoryObjects):
        async def list(self, prefix: str) -> list[str]:
            raise Unavailable("list", prefix)

    class Gone(MemoryObjects):
        async def get(self, name: str) -> bytes:
            raise Unavailable("get", name)

    log, gone, author = MemoryLog(), Gone(), Author()
    cursors = await write(log, author, 2)
    with pytest.raises(Unavailable):
        await load("a", log, Away())
    stored = MemoryObjects()
    await Snapshots(stored).write("a", cursors[-1], merge(author.updates), 1000)
    gone.stored = stored.stored
    with pytest.raises(Unavailable):
        await load("a", log, gone)


async def test_a_compaction_that_runs_meanwhile_makes_it_read_again() -> None:
    """Snapshots were listed, then a newer one is written and the log trimmed, then the log is read."""
    log, objects, author = MemoryLog(), MemoryObjects(), Author()
    cursors = await write(log, author, 4)

    class Racing(MemoryLog):
        async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
            if not objects.stored:
                await Snapshots(objects).write("a", cursors[2], merge(author.updates[:3]), 1000)
                await log.trim("a", cursors[2])
            return await log.read(doc, after)

    racing = Racing()
    racing.state = log.state  # type: ignore[method-assign]
    assert view((await load("a", racing, objects)).updates) == view(author.updates)
