"""A copy reads as the original, whatever the backends and whatever happens meanwhile."""

import asyncio
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.appending import append
from storage.base import Outcome
from storage.compactor import Compactor
from storage.containment import adds
from storage.errors import Unavailable
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.state import merge
from storage.store import Store
from storage.transfer import UNFINISHED, Different, NotEmpty, copy_all, copy_document
from storage.values import ZERO, Cursor
from tests.storage.documents import Author, entry, flip, view, write
from tests.storage.faults import Crash, Crashing
from tests.storage.stores import entries, fill, in_memory, on_disk, state

pytestmark = pytest.mark.anyio

_STEPS = st.text("ces", min_size=1, max_size=8)
_NOW = 1_800_000_000_000


@given(documents=st.dictionaries(st.sampled_from(["a", "b/ü", "Ω" * 60, "%"]), _STEPS, max_size=3))
@settings(max_examples=12)
async def test_disk_to_memory_and_back_changes_nothing(documents: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        first, second, third = on_disk(Path(name) / "1"), in_memory(), on_disk(Path(name) / "3")
        for number, (doc, steps) in enumerate(documents.items()):
            await fill(first, doc, steps, number)
        await first.objects.put("media/cell.png", b"picture")
        for source, target in itertools.pairwise((first, second, third)):
            copied = await copy_all(source, target, name="x")
            assert copied.documents == len(await first.documents())
            assert copied.damaged == {}
        for store in (second, third):
            assert await store.documents() == await first.documents()
            assert await store.objects.list("") == await first.objects.list("")
            for doc in documents:
                before, after = [await load(doc, one.log, one.objects) for one in (first, store)]
                assert after.exists == before.exists
                assert view([merge(after.updates)]) == view([merge(before.updates)])
                assert merge(after.updates) == merge(before.updates)
                assert await entries(store.log, doc) == await entries(first.log, doc)
        for store in (first, third):
            await store.log.close()


@given(epochs=st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=4))
@settings(max_examples=25)
async def test_entries_stay_above_the_snapshots_that_they_lay_above(epochs: list[tuple[int, bool]]) -> None:
    """The log of the source began new epochs, as after a loss; its snapshots lie anywhere in them."""
    source, target, author = in_memory(), in_memory(), Author()
    last = ZERO
    for count, snapshot in epochs:
        for _ in range(count):
            last = await append(source.log, "a", entry(author.edit()), last, heals=True)
        if snapshot:
            await Snapshots(source.objects).write("a", last, merge(author.updates), 1)
        last = Cursor(last.epoch + 1, 0)  # what the log never held
    await copy_document("a", source, target)

    assert not adds(merge(author.updates), await state(target, "a"))
    for (old, _), (new, _) in zip(
        await source.log.read("a", ZERO), await target.log.read("a", ZERO), strict=True
    ):
        assert new > old


async def test_a_document_of_which_only_snapshots_are_left_is_copied() -> None:
    source, target = in_memory(), in_memory()
    author = await fill(source, "a", "eseee")
    bare = Store(MemoryLog(), source.objects)
    await copy_all(bare, target, name="x")

    assert not adds(merge(author.updates[:2]), await state(target, "a"))


@pytest.mark.parametrize("what", ["log", "object"])
async def test_a_target_that_holds_something_is_refused(what: str) -> None:
    source, target = in_memory(), in_memory()
    await fill(source, "a", "e")
    if what == "log":
        await fill(target, "b", "e")
    else:
        await target.objects.put("media/1", b"1")
    with pytest.raises(NotEmpty):
        await copy_all(source, target, name="x")
    assert await target.log.read("a", ZERO) == []


class _Breaking(Crashing):
    """Also an append may be the last call that takes effect."""

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        self._log.append(doc, entry, after, outcome, heals=heals)
        self._left -= 1
        if self._left == 0:
            raise Crash

    async def documents(self) -> list[str]:
        return await self._count(self._log.documents())


@pytest.mark.parametrize("call", range(1, 60, 3))
async def test_a_copy_that_broke_off_is_taken_up_again(call: int) -> None:
    source, target = in_memory(), in_memory()
    author = await fill(source, "a", "eseseee")
    await fill(source, "b", "ce", 1)
    broken = _Breaking(target.log, target.objects, call)
    try:
        await copy_all(source, Store(broken, broken), name="x", parallel=1)  # type: ignore[arg-type]
    except Crash:
        begun = await target.objects.list("")
        if UNFINISHED in begun:
            with pytest.raises(NotEmpty):
                await copy_all(source, target, name="another source")
        if UNFINISHED in begun or not begun:  # else the very last call broke off, and all is there
            await copy_all(source, target, name="x")

    assert view([await state(target, "a")]) == view(author.updates)
    assert await entries(target.log, "a") == await entries(source.log, "a")
    assert UNFINISHED not in await target.objects.list("")


async def test_an_unfinished_copy_is_no_source() -> None:
    source = in_memory()
    await fill(source, "a", "e")
    await source.objects.put(UNFINISHED, b"x")
    with pytest.raises(NotEmpty, match="unfinished"):
        await copy_all(source, in_memory(), name="x")


async def test_a_part_of_another_copy_is_refused() -> None:
    source, target = in_memory(), in_memory()
    await fill(source, "a", "ee")
    await fill(target, "a", "e", 7)
    with pytest.raises(NotEmpty, match="other entries"):
        await copy_document("a", source, target)


async def test_a_target_that_loses_an_entry_is_noticed() -> None:
    class Forgetful(MemoryLog):
        async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
            return (await super().read(doc, after))[:-1]

    source = in_memory()
    await fill(source, "a", "ee")
    with pytest.raises(Different):
        await copy_document("a", source, Store(Forgetful(), MemoryObjects()))


class _Replacing(MemoryObjects):
    """All snapshots of "a" are replaced by newer ones right after one listing of them."""

    def __init__(self, listing: int) -> None:
        super().__init__()
        self.listing = listing
        self.author = Author()
        self.log = MemoryLog()

    async def list(self, prefix: str) -> list[str]:
        names = await super().list(prefix)
        if prefix == "snapshots/a/":
            self.listing -= 1
            if self.listing == 0:
                (last, *_) = await write(self.log, self.author, 1)
                for time in (1, 2):
                    await Snapshots(self).write("a", last, merge(self.author.updates), time)
                for name in names:
                    await self.delete(name)
        return names


@pytest.mark.parametrize("listing", [1, 2, 3])
async def test_snapshots_that_are_replaced_after_they_were_listed_leave_no_hole(listing: int) -> None:
    made, objects, target = in_memory(), _Replacing(10**6), in_memory()
    objects.author = await fill(made, "a", "eseses")
    objects.stored, objects.log, objects.listing = made.objects.stored, made.log, listing  # type: ignore
    before = merge(objects.author.updates)
    await copy_document("a", Store(objects.log, objects), target)

    assert objects.listing < 1
    assert not adds(before, await state(target, "a"))


async def test_a_damaged_document_is_copied_as_it_is_and_named() -> None:
    source, target = in_memory(), in_memory()
    await fill(source, "good", "ees")
    await fill(source, "bad", "ee", 1)
    await append(source.log, "bad", flip(entry(b"\0\0")), ZERO)
    copied = await copy_all(source, target, name="x")

    assert list(copied.damaged) == ["bad"]
    assert await entries(target.log, "bad") == await entries(source.log, "bad")


async def test_a_source_that_is_away_is_no_damaged_document(tmp_path: Path) -> None:
    source = on_disk(tmp_path / "source")
    await fill(source, "a", "ee")
    await source.log.close()
    with pytest.raises(Unavailable):
        await copy_document("a", source, in_memory())


async def test_a_live_source_is_copied_with_all_that_was_saved_before(tmp_path: Path) -> None:
    """Writers append and compact while the copy runs."""
    source, target = on_disk(tmp_path / "source"), on_disk(tmp_path / "target")
    docs = [f"d{number}" for number in range(6)]
    authors = {doc: await fill(source, doc, "eese", number) for number, doc in enumerate(docs)}
    saved = {doc: merge(author.updates) for doc, author in authors.items()}
    stop = asyncio.Event()

    async def write_on(doc: str) -> None:
        compactor = Compactor(source.log, source.objects)
        for now in itertools.count(_NOW, 10_000_000):
            if stop.is_set():
                return
            await write(source.log, authors[doc], 3, doc=doc)
            await compactor.compact(doc, now)

    writers = [asyncio.create_task(write_on(doc)) for doc in docs]
    try:
        await copy_all(source, target, name="x", parallel=2)
    finally:
        stop.set()
        await asyncio.gather(*writers)
    for doc in docs:
        restored = await state(target, doc)
        assert not adds(saved[doc], restored)
        assert not adds(restored, merge(authors[doc].updates))
    await source.log.close()
    await target.log.close()
