"""Accounts from log and history, whatever was compacted, lost or read before."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from collab.authorship.account import Account
from collab.authorship.encoding import encode
from collab.authorship.service import Authorship
from collab.authorship.views import contributions, pieces
from collab.document import BIG
from collab.workers import WorkerDied, Workers
from storage.catalog.authorship import Derived
from storage.errors import Corrupt, Unavailable
from storage.file_objects import FileObjects
from storage.history import History
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.state import merge
from storage.store import Store
from storage.testing import append
from storage.transfer import copy_document
from storage.values import Entry, Part
from tests.collab.authorship.kept import DOC, Kept, Past
from tests.collab.authorship.stories import MINUTE, Act, Story, facts, stories

pytestmark = pytest.mark.anyio


class Writer:
    """One replica whose edits become entries of whoever sends them."""

    def __init__(self, client: int, state: bytes | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client)
        self.text = self.doc.get("text", type=Text)
        if state is not None:
            self.doc.apply_update(state)
        self.minute = 0

    def edit(self, author: str, change: Callable[[Text], object]) -> Entry:
        before = self.doc.get_state()
        change(self.text)
        return self.entry(author, self.doc.get_update(before))

    def types(self, author: str, words: str) -> Entry:
        return self.edit(author, lambda text: text.insert(len(text), words))

    def entry(self, author: str, update: bytes) -> Entry:
        self.minute += 1
        return Entry(self.minute * MINUTE, (Part(author, (self.doc.client_id,), update),))


def told(account: Account) -> list[tuple[int, int, str, str, str | None]]:
    """Client, length, whose the client id is, author, who deleted it."""
    return [
        (
            piece.client,
            piece.stop - piece.start,
            piece.owner,
            piece.brought.author,
            piece.deleted and piece.deleted.author,
        )
        for piece in pieces(account)
    ]


@settings(max_examples=40)
@given(stories, st.lists(st.sampled_from(["", "", "read", "compact", "compact", "forget"]), max_size=30))
def test_whatever_happens_in_between_the_account_is_the_same(acts: list[Act], between: list[str]) -> None:
    story = Story()
    story.tell(acts)

    async def run() -> None:
        past = Past(MemoryLog(), MemoryObjects())
        chores: dict[str, Callable[[], Awaitable[object]]] = {"compact": past.compact, "read": past.read}
        for number, entry in enumerate(story.entries):
            await past.write(entry)
            chore = between[number] if number < len(between) else ""
            if chore in chores:
                await chores[chore]()
            elif chore == "forget":
                past.kept.rows.clear()
        account = await past.read()

        assert facts(account) == story.facts
        assert encode(account) == encode(await past.read_anew())

    asyncio.run(run())


async def test_a_forger_is_never_taken_for_the_absent_owner(tmp_path: Path) -> None:
    """Eve writes under the client id of Ann, who is away, and sends Ann's words again."""
    log = SqliteLog(tmp_path / "log.db")
    past = Past(log, FileObjects(tmp_path / "objects"))
    ann = Writer(10)
    await past.write(ann.types("ann", "hello"))
    forger = Writer(10, ann.doc.get_update())
    await past.write(forger.types("eve", " I cheated"))
    await past.write(forger.entry("eve", forger.doc.get_update()))
    expected = [(10, 5, "ann", "ann", None), (10, 10, "ann", "eve", None)]
    for client in range(20, 24):
        assert told(await past.read()) == expected == told(await past.read_anew())
        await past.compact()
        await past.write(Writer(client).types("bob", "x"))
        expected.append((client, 1, "bob", "bob", None))

    assert await History(past.objects).list(DOC), "what the forger did is history by now"
    done = contributions(await past.read(), {})
    assert (done["ann"].inserted, done["eve"].inserted, done["eve"].relayed) == (5, 0, 10)
    await log.close()


async def test_words_in_a_lost_tail_do_not_become_those_of_who_writes_in_their_place() -> None:
    """The log came back from a backup; Eve uses the very clocks that Ann's lost words had."""
    ann = Writer(10)
    first, *lost = [ann.types("ann", words) for words in ("one", "two", "six")]
    past, restored = Past(MemoryLog(), MemoryObjects()), Past(MemoryLog(), MemoryObjects())
    restored.kept = past.kept
    for entry in (first, *lost):
        await past.write(entry)
    assert told(await past.read()) == [(10, 3, "ann", "ann", None)] * 3
    await restored.write(first)
    forger = Writer(10, first.parts[0].update)
    for words in ("TWO", "SIX"):
        await restored.write(forger.types("eve", words))

    account = await restored.read()
    assert {(*piece.brought, piece.start) for piece in pieces(account)} == {
        ("ann", 1, 0),
        ("eve", 1, 3),
        ("eve", 2, 6),
    }


async def test_a_log_that_lost_what_a_snapshot_holds_gives_it_to_nobody() -> None:
    ann = Writer(10)
    past = Past(MemoryLog(), MemoryObjects())
    cursors = [await past.write(ann.types("ann", words)) for words in ("one", "two")]
    await Snapshots(past.objects).write(DOC, cursors[-1], merge([ann.doc.get_update()]), 7 * MINUTE)
    younger = Past(MemoryLog(), past.objects)
    await load(DOC, younger.log, younger.objects)
    assert facts(await younger.read()) == {(10, clock): ("", 0, "-", 0) for clock in range(6)}

    await younger.write(ann.types("ann", "six"))
    await younger.write(ann.edit("bob", lambda text: text.__delitem__(slice(0, 2))))
    account = await younger.read()

    assert told(account) == [(10, 2, "ann", "", "bob"), (10, 4, "ann", "", None), (10, 3, "ann", "ann", None)]
    assert encode(account) == encode(await younger.read_anew())


async def test_what_only_a_snapshot_holds_is_told_even_if_no_entry_rests_on_it() -> None:
    past = Past(MemoryLog(), MemoryObjects())
    ann = Writer(10)
    cursor = await past.write(ann.types("ann", "one"))
    await Snapshots(past.objects).write(DOC, cursor, merge([ann.doc.get_update()]), 7)
    younger = Past(MemoryLog(), past.objects)
    await load(DOC, younger.log, younger.objects)
    last = await younger.write(Writer(20).types("bob", "two"))

    assert told(await younger.read()) == [(10, 3, "", "", None), (20, 3, "bob", "bob", None)]
    assert younger.kept.rows[DOC].cursor == last


async def with_history(past: Past) -> Writer:
    """Ann has written three times three letters, each a segment or snapshot of its own; Bob has deleted."""
    ann = Writer(10)
    for words in ("one", "two", "six"):
        await past.write(ann.types("ann", words))
        await past.write(ann.edit("bob", lambda text: text.__delitem__(slice(0, 1))))
        await past.compact()
    return ann


async def test_what_is_known_outlives_history() -> None:
    """A rebuild does not throw away what it could not derive again."""
    past = Past(MemoryLog(), MemoryObjects())
    ann = await with_history(past)
    before = facts(await past.read())
    for key in (await History(past.objects).list(DOC))[:1]:
        await past.objects.delete(key.name)

    assert not await past.rebuild()
    assert facts(await past.read()) == before
    await past.write(ann.types("ann", "x"))
    assert len(facts(await past.read())) == len(before) + 1


async def test_without_history_or_what_was_known_old_text_is_nobodys() -> None:
    past = Past(MemoryLog(), MemoryObjects())
    await with_history(past)
    for key in (await History(past.objects).list(DOC))[:1]:
        await past.objects.delete(key.name)

    account = await past.read()

    assert {clock: fact[0] for (_, clock), fact in facts(account).items()} == {
        clock: "" if clock < 3 else "ann" for clock in range(9)
    }
    assert {fact[2] for fact in facts(account).values()} == {"-", "", "bob"}


async def test_behind_lost_history_the_next_snapshot_goes_on() -> None:
    """Without the oldest entries and the snapshot above them, old text is nobody's; then all is told."""
    past = Past(MemoryLog(), MemoryObjects())
    ann = await with_history(past)
    values = [Writer(20), Writer(30)]
    for writer in values:
        before = writer.doc.get_state()
        writer.doc.get("map", type=Map)["key"] = 1
        await past.write(writer.entry("bob", writer.doc.get_update(before)))
    (gone, *_), (oldest, *_) = await History(past.objects).list(DOC), await Snapshots(past.objects).list(DOC)
    for name in (gone.name, oldest.name):
        await past.objects.delete(name)
    merged = Writer(40, merge([ann.doc.get_update(), *(writer.doc.get_update() for writer in values)]))
    await past.write(merged.entry("eve", merged.doc.get_update()))

    told = facts(await past.read_anew())

    assert [told[10, clock][0] for clock in range(9)] == [""] * 3 + ["ann"] * 6
    assert told[10, 1][2] == "bob", "a deletion that an entry names, without a document to tell what is new"
    assert told[20, 0][2] == "", "merging took it, not Eve, who only repeats what she has"


async def test_a_rebuild_derives_all_of_it() -> None:
    past = Past(MemoryLog(), MemoryObjects())
    await with_history(past)
    truth = await past.read_anew()
    forged = Account()
    forged.owners[10] = "eve"
    await past.read()
    past.kept.rows[DOC] = Derived(past.kept.rows[DOC].cursor, encode(forged))
    assert told(await past.read()) == []

    assert await past.rebuild()
    assert encode(await past.read()) == encode(truth)


@pytest.mark.parametrize(
    "data", [b"", b"not compressed", encode(Account())[:-2], b"x\x9c\x93a\x04\x00\x00\x96\x00\x04"]
)
async def test_what_cannot_be_read_is_derived_anew(data: bytes) -> None:
    past = Past(MemoryLog(), MemoryObjects())
    await past.write(Writer(10).types("ann", "hello"))
    await past.read()
    past.kept.rows[DOC] = Derived(past.kept.rows[DOC].cursor, data)

    assert told(await past.read()) == [(10, 5, "ann", "ann", None)]
    assert past.kept.rows[DOC].data != data


async def test_damaged_history_is_an_error_not_an_empty_answer() -> None:
    objects = MemoryObjects()
    past = Past(MemoryLog(), objects)
    await with_history(past)
    key = (await History(objects).list(DOC))[0]
    objects.stored[key.name] = objects.stored[key.name][:-1]

    with pytest.raises(Corrupt):
        await past.read()


async def test_many_who_ask_at_once_derive_once(monkeypatch: pytest.MonkeyPatch) -> None:
    past = Past(MemoryLog(), MemoryObjects())
    await past.write(Writer(10).types("ann", "hello"))
    kept, keep = [], Kept.keep

    async def counting(self: Kept, material: str, derived: Derived) -> bool:
        kept.append(material)
        return await keep(self, material, derived)

    monkeypatch.setattr(Kept, "keep", counting)
    authorship = past.authorship(past.kept)
    await asyncio.gather(*(authorship.read(DOC) for _ in range(5)))

    assert kept == [DOC]


class Dying(Workers):
    """A worker that its job kills."""

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        raise WorkerDied("derive")


def long_entry() -> Entry:
    return Writer(10).types("ann", "x" * BIG)


async def test_much_is_read_in_a_worker() -> None:
    past, workers = Past(MemoryLog(), MemoryObjects()), Workers()
    await past.write(long_entry())
    authorship = Authorship(cast(Any, past.kept), past.log, past.objects, workers)
    try:
        assert told(await authorship.read(DOC)) == [(10, BIG, "ann", "ann", None)]
        await append(past.log, DOC, b"no entry")
        with pytest.raises(Corrupt):
            await authorship.read(DOC)
    finally:
        authorship.close()


async def test_a_worker_that_dies_is_an_outage() -> None:
    past = Past(MemoryLog(), MemoryObjects())
    await past.write(long_entry())

    with pytest.raises(Unavailable):
        await Authorship(cast(Any, past.kept), past.log, past.objects, Dying()).read(DOC)


async def test_an_account_outlives_a_migration() -> None:
    """Entries get other cursors there; history and snapshots keep theirs."""
    past, target = Past(MemoryLog(), MemoryObjects()), Past(MemoryLog(), MemoryObjects())
    ann = await with_history(past)
    await past.write(ann.types("ann", "end"))
    before = encode(await past.read())
    target.kept = past.kept
    await copy_document(DOC, Store(past.log, past.objects), Store(target.log, target.objects))

    assert encode(await target.read()) == before
    assert encode(await target.read_anew()) == before
    assert await target.rebuild()
