"""The checker finds each planted difference, and nothing in what is sound."""

import asyncio
import itertools
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import checker
from storage.appending import append
from storage.catalog.catalog import Catalog
from storage.catalog.values import Material
from storage.checker import Report, check
from storage.compactor import Compactor
from storage.file_objects import FileObjects
from storage.format import encode_snapshot
from storage.head import STRIDE
from storage.history import History
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.state import merge
from storage.store import Store
from storage.transfer import UNFINISHED, copy_all
from storage.values import ZERO, Cursor
from tests.storage.documents import Author, entry, flip, write
from tests.storage.stores import fill, in_memory, on_disk, state

pytestmark = pytest.mark.anyio

_NOW = 1_800_000_000_000


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "_LOOKS", (0.0, 0.0, 0.0))


def texts(report: Report) -> list[str]:
    return [f"{one.document}: {one.text}" for one in report.differences]


@given(documents=st.dictionaries(st.sampled_from("abc"), st.text("ces", max_size=9), max_size=3))
@settings(max_examples=40)
async def test_sound_stores_have_no_differences(documents: dict[str, str]) -> None:
    store, copy = in_memory(), in_memory()
    for number, (doc, steps) in enumerate(documents.items()):
        await fill(store, doc, steps, number)
    assert texts(await check(store)) == []
    await copy_all(store, copy, name="x")
    for number, (doc, steps) in enumerate(documents.items()):
        assert texts(await check(copy)) == []
        await fill(copy, doc, steps, number + 10)
    assert texts(await check(copy)) == []


@pytest.mark.parametrize("steps", ["e", "eses", "esesese", "eseseee"])
async def test_a_log_that_was_lost_and_mended_has_no_differences(steps: str) -> None:
    """Only the objects were left; the document was opened, and edited on."""
    old = in_memory()
    author = await fill(old, "a", steps)
    store = Store(MemoryLog(), old.objects)
    await load("a", store.log, store.objects)
    assert texts(await check(store)) == []
    for now in (_NOW, _NOW + 1, _NOW + 2):
        await write(store.log, author if steps.endswith("s") else Author(9), 2)
        await Compactor(store.log, store.objects).compact("a", now)
        assert texts(await check(store)) == []


@given(steps=st.text("eecclhms", max_size=14))
@settings(max_examples=60)
async def test_nothing_that_a_document_goes_through_is_a_difference(steps: str) -> None:
    """(e)dits, (c)ompactions, two nodes that compact at once (s), the log (l)ost and mended when the document
    is opened, its end lost and (h)ealed by a node that has it open, (m)igrations."""
    store, author, now = in_memory(), Author(), 1_700_000_000_000
    for step in "e" + steps:
        now += 1_000_000
        last = (await store.log.state("a")).last
        match step:
            case "e":
                await write(store.log, author, 2, last)
            case "c" | "s":
                nodes = [Compactor(store.log, store.objects) for _ in range(1 + (step == "s"))]
                await asyncio.gather(*(node.compact("a", now + at) for at, node in enumerate(nodes)))
            case "l" if await Snapshots(store.objects).list("a"):
                store = Store(MemoryLog(), store.objects)
                author = Author(now)  # what was not in a snapshot is gone
                for update in (await load("a", store.log, store.objects)).updates:
                    author.doc.apply_update(update)
            case "h":
                ahead = Cursor(last.epoch, last.sequence + 5 * STRIDE)
                await append(store.log, "a", entry(merge(author.updates)), ahead, heals=True)
            case "m":
                copy = in_memory()
                await copy_all(store, copy, name="x")
                store = copy
        assert texts(await check(store)) == [], step


async def test_counts_are_what_is_stored() -> None:
    store = in_memory()
    await fill(store, "a", "esesee")
    await fill(store, "b", "c", 1)
    report = await check(store)
    assert (report.documents, report.entries, report.snapshots, report.segments) == (2, 7, 2, 1)


async def _snapshots(store: Store) -> list[str]:
    return await store.objects.list("snapshots/")


def _row(log: MemoryLog, at: int) -> None:
    held = log._documents["a"].entries
    del held[list(held)[at]]


async def _flip_entry(store: Store) -> None:
    held = store.log._documents["a"].entries  # type: ignore[attr-defined]
    cursor = list(held)[1]
    held[cursor] = (held[cursor][0], flip(held[cursor][1]))


async def _swap_entries(store: Store) -> None:
    held = store.log._documents["a"].entries  # type: ignore[attr-defined]
    first, second = list(held)[:2]
    held[first], held[second] = held[second], held[first]


async def _lose_entry(store: Store) -> None:
    _row(store.log, 1)  # type: ignore[arg-type]


async def _lose_first_entry(store: Store) -> None:
    _row(store.log, 0)  # type: ignore[arg-type]


async def _lose_newest_entry(store: Store) -> None:
    _row(store.log, -1)  # type: ignore[arg-type]


async def _lose_log(store: Store) -> None:
    store.log._documents.clear()  # type: ignore[attr-defined]


async def _damage(store: Store, name: str) -> None:
    await store.objects.put(name, flip(await store.objects.get(name)))


async def _flip_newest_snapshot(store: Store) -> None:
    await _damage(store, (await _snapshots(store))[-1])


async def _flip_second_snapshot(store: Store) -> None:
    await _damage(store, (await _snapshots(store))[-2])


async def _flip_oldest_snapshot(store: Store) -> None:
    await _damage(store, (await _snapshots(store))[0])


async def _lose_newest_snapshot(store: Store) -> None:
    await store.objects.delete((await _snapshots(store))[-1])


async def _lose_second_snapshot(store: Store) -> None:
    await store.objects.delete((await _snapshots(store))[-2])


async def _lose_both_snapshots(store: Store) -> None:
    for name in (await _snapshots(store))[-2:]:
        await store.objects.delete(name)


async def _lose_first_of_later_history(store: Store) -> None:
    await store.objects.delete((await store.objects.list("history/"))[1])


async def _lose_newest_history(store: Store) -> None:
    await store.objects.delete((await store.objects.list("history/"))[-1])


async def _flip_history(store: Store) -> None:
    await _damage(store, (await store.objects.list("history/"))[0])


async def _leak(store: Store) -> None:
    ((_, data), *_) = await store.log.read("b", ZERO)
    await append(store.log, "a", data, ZERO)


async def _trim_too_far(store: Store) -> None:
    await store.log.trim("a", (await store.log.state("a")).last)


async def _gapped_snapshot(store: Store) -> None:
    """Good checksums, and a state that does not open."""
    from hashlib import blake2b

    snapshots = Snapshots(store.objects)
    key = (await snapshots.list("a"))[-1]
    author = Author(5)
    author.doc["text"] += "ab"
    author.doc["text"] += "cd"
    data = encode_snapshot(author.updates[-1], key.cursor, key.time)
    await store.objects.delete(key.name)
    named = key._replace(digest=blake2b(data, digest_size=16).hexdigest())
    await store.objects.put(named.name, data)


async def _break_off_a_copy(store: Store) -> None:
    await store.objects.put(UNFINISHED, b"elsewhere")


_PLANTED: list[tuple[Callable[[Store], Awaitable[None]], str]] = [
    (_flip_entry, "checksum"),
    (_swap_entries, "not the one that got this cursor"),
    (_lose_entry, "are missing"),
    (_lose_first_entry, "are missing"),
    (_lose_newest_entry, "the log ends at"),
    (_lose_log, "below the newest snapshot"),
    (_flip_newest_snapshot, "read snapshot"),
    (_flip_second_snapshot, "read snapshot"),
    (_flip_oldest_snapshot, "read snapshot"),
    (_lose_newest_snapshot, "newest snapshot is missing"),
    (_lose_second_snapshot, "at the trim marker"),
    (_lose_both_snapshots, "are gone"),
    (_lose_first_of_later_history, "are missing"),
    (_lose_newest_history, "history segment that ends at"),
    (_flip_history, "read history"),
    (_leak, "is also in the log of"),
    (_trim_too_far, "are gone"),
    (_gapped_snapshot, "does not open"),
    (_break_off_a_copy, "was not finished"),
]


@pytest.mark.parametrize(("plant", "word"), _PLANTED, ids=[plant.__name__[1:] for plant, _ in _PLANTED])
async def test_a_planted_difference_is_found(
    plant: Callable[[Store], Awaitable[None]], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = in_memory()
    await fill(store, "a", "esesesesee")
    await fill(store, "b", "ee", 1)
    monkeypatch.setattr(checker, "unix_milliseconds", lambda: 1_700_100_000_000)
    assert texts(await check(store)) == []
    await plant(store)

    assert any(word in text for text in texts(await check(store)))


async def test_a_snapshot_that_lacks_what_the_entries_hold_is_found() -> None:
    """It is valid, and stands in the place of the newest one."""
    store = in_memory()
    await fill(store, "a", "eseses")
    snapshots = Snapshots(store.objects)
    key = (await snapshots.list("a"))[-1]
    (_, older) = (await snapshots.valid("a", 2))[1]
    await store.objects.delete(key.name)
    await snapshots.write("a", key.cursor, merge(list(older.chunks)), key.time)

    assert any("lacks content" in text for text in texts(await check(store)))


async def test_a_flipped_byte_in_the_database_is_found(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    await fill(store, "a", "eee")
    await store.log.close()
    with sqlite3.connect(tmp_path / "log.db") as database:
        (row, data), *_ = database.execute("SELECT sequence, data FROM entries ORDER BY sequence")
        database.execute("UPDATE entries SET data = ? WHERE sequence = ?", (flip(data), row))
    database.close()
    log = SqliteLog(tmp_path / "log.db")
    report = await check(Store(log, FileObjects(tmp_path / "objects")))
    await log.close()

    assert [one.document for one in report.differences] == ["a"]


async def test_catalogue_and_documents_are_compared(tmp_path: Path) -> None:
    """A document needs no row; a row needs a document."""
    catalog = Catalog(tmp_path / "catalog.db")
    await catalog.start()
    store = Store(MemoryLog(), MemoryObjects(), catalog)
    for doc in ("a", "b"):
        await fill(store, doc, "e", ord(doc))
    for id in ("a", "gone"):
        await catalog.add_material(Material(id, "guide", "", 1, ""))
    report = await check(store)
    await catalog.close()

    assert (report.documents, report.materials, report.unlisted) == (2, 2, 1)
    assert [one.document for one in report.differences] == ["gone"]


async def test_one_document_is_checked_alone() -> None:
    store = in_memory()
    await fill(store, "a", "e")
    await fill(store, "b", "ee", 1)
    held = store.log._documents["b"].entries  # type: ignore[attr-defined]
    held.popitem()
    assert texts(await check(store, ["a"])) == []
    assert len(texts(await check(store, ["b"]))) == 1
    assert texts(await check(store, ["c"])) == ["c: there is no such document"]


async def test_writers_and_compactions_are_no_differences(tmp_path: Path) -> None:
    store = on_disk(tmp_path)
    docs = ["a", "b", "c"]
    authors = {doc: await fill(store, doc, "es", number) for number, doc in enumerate(docs)}
    stop = asyncio.Event()

    async def write_on(doc: str) -> None:
        for now in itertools.count(_NOW, 10_000_000):
            if stop.is_set():
                return
            await write(store.log, authors[doc], 2, doc=doc)
            await Compactor(store.log, store.objects, history_age=2**50).compact(doc, now)

    writers = [asyncio.create_task(write_on(doc)) for doc in docs]
    try:
        for _ in range(25):
            assert texts(await check(store)) == []
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert await History(store.objects).list("a") != []
    await store.log.close()


async def test_nothing_is_written() -> None:
    store = in_memory()
    await fill(store, "a", "eseses")
    bare = Store(MemoryLog(), store.objects)
    before = dict(store.objects.stored)  # type: ignore[attr-defined]
    await check(bare)
    assert await bare.log.documents() == []
    assert store.objects.stored == before  # type: ignore[attr-defined]


async def test_entries_of_several_documents_may_look_alike() -> None:
    """Documents are created at the same time, with the same first entry."""
    store = in_memory()
    for doc in "ab":
        await fill(store, doc, "c")
    assert await state(store, "a") == b"\0\0"
    assert texts(await check(store)) == []
    assert entry(b"\0\0") == entry(b"\0\0")
