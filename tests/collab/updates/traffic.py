"""Honest traffic: authors who edit with pycrdt, recorded Yjs updates, and a replica behind the gate."""

import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from pycrdt import Array, Doc, Map, Text, TransactionEvent, XmlElement, XmlFragment, XmlText

from collab.protocol.lib0 import read_uint
from collab.updates import Admission, Index, admit, survey
from collab.updates.index import ANY, NONE

YJS_CORPUS = Path(__file__).parents[2] / "data" / "updates" / "yjs.bin.gz"
"""Written by tests/node/make-updates-corpus.mjs: Yjs 13.6.33."""

WORDS = ["a", "b ", "word ", "é", "漢字", "😀", "a longer run of text. "]
VALUES: list[Any] = [
    1,
    -7,
    2**40,
    1.5,
    True,
    None,
    "text",
    b"\x00\x01",
    [1, ["two", {"three": None}]],
    {"a": {"b": []}},
]

Step = Callable[[Doc[Any], Random], None]


@cache
def yjs_updates() -> list[bytes]:
    data = gzip.decompress(YJS_CORPUS.read_bytes())
    updates = []
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        updates.append(data[at + 4 : end])
        at = end
    return updates


def state_vector(doc: Doc[Any]) -> dict[int, int]:
    state = doc.get_state()
    count, at = read_uint(state, 0)
    clocks = {}
    for _ in range(count):
        client, at = read_uint(state, at)
        clocks[client], at = read_uint(state, at)
    return {client: clock for client, clock in clocks.items() if clock}


def view(doc: Doc[Any]) -> tuple[str, ...]:
    """All that a person could see of a document, and its state vector; maps in the order of their keys."""
    roots = (
        doc.get("text", type=Text).diff(),
        doc.get("map", type=Map),
        doc.get("list", type=Array),
        doc.get("xml", type=XmlFragment),
        state_vector(doc),
    )
    return tuple(repr(_plain(root)) for root in roots)


def _plain(value: Any) -> Any:
    if isinstance(value, XmlElement):
        return [
            value.tag,
            sorted((name, repr(_plain(inner))) for name, inner in value.attributes),
            _plain(list(value.children)),
        ]
    if isinstance(value, XmlFragment):
        return _plain(list(value.children))
    if isinstance(value, Text | XmlText):
        return _plain(value.diff())
    if isinstance(value, Map | dict):
        return sorted((key, repr(_plain(inner))) for key, inner in value.items())
    if isinstance(value, Array | list | tuple):
        return [_plain(inner) for inner in value]
    return value


def reloaded(update: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return doc


def _write(doc: Doc[Any], random: Random) -> None:
    text = doc.get("text", type=Text)
    text.insert(_boundary(text, random), random.choice(WORDS), random.choice([None, None, {"bold": True}]))


def _erase(doc: Doc[Any], random: Random) -> None:
    text = doc.get("text", type=Text)
    start, stop = sorted((_boundary(text, random), _boundary(text, random)))
    if stop > start:
        del text[start : min(stop, start + 40) if str(text).isascii() else stop]


def _format(doc: Doc[Any], random: Random) -> None:
    text = doc.get("text", type=Text)
    start, stop = sorted((_boundary(text, random), _boundary(text, random)))
    if stop > start:
        text.format(start, stop, {"em": random.choice([True, None])})


def _boundary(text: Text, random: Random) -> int:
    """A random index into `text`, which pycrdt counts in UTF-8 bytes, between two characters."""
    shown = str(text)
    return len(shown[: random.randint(0, len(shown))].encode())


def _set(doc: Doc[Any], random: Random) -> None:
    doc.get("map", type=Map)[random.choice("abc")] = random.choice(VALUES)


def _set_card(doc: Doc[Any], random: Random) -> None:
    doc.get("map", type=Map)["card"] = Map({"front": Text("front"), "tags": Array(["x"])})


def _edit_card(doc: Doc[Any], random: Random) -> None:
    card = doc.get("map", type=Map).get("card")
    if isinstance(card, Map):
        card["front"].insert(0, random.choice(WORDS))


def _unset(doc: Doc[Any], random: Random) -> None:
    doc.get("map", type=Map).pop(random.choice("abc"), None)


def _insert(doc: Doc[Any], random: Random) -> None:
    array = doc.get("list", type=Array)
    array.insert(random.randint(0, len(array)), random.choice([random.choice(VALUES), Map({"k": 1})]))


def _remove(doc: Doc[Any], random: Random) -> None:
    array = doc.get("list", type=Array)
    if len(array):
        array.pop(random.randrange(len(array)))


def _add_paragraph(doc: Doc[Any], random: Random) -> None:
    xml = doc.get("xml", type=XmlFragment)
    index = random.randint(0, len(xml.children))
    paragraph = xml.children.insert(index, XmlElement("paragraph", {"level": "2"}))
    paragraph.children.append(XmlText(random.choice(WORDS)))


def _write_paragraph(doc: Doc[Any], random: Random) -> None:
    children = list(doc.get("xml", type=XmlFragment).children)
    if children:
        random.choice(children).children[0].insert(0, random.choice(WORDS))


def _remove_paragraph(doc: Doc[Any], random: Random) -> None:
    xml = doc.get("xml", type=XmlFragment)
    if len(xml.children) > 2:
        del xml.children[random.randrange(len(xml.children))]


STEPS: list[Step] = [
    _write, _write, _write, _erase, _format, _set, _set_card, _edit_card, _unset, _insert, _remove,
    _add_paragraph, _write_paragraph, _remove_paragraph,
]  # fmt: skip


class Author:
    """One client that edits with pycrdt. `sent` are its updates, oldest first."""

    def __init__(self, client_id: int) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.sent: list[bytes] = []
        self._editing = False
        self.doc.get("text", type=Text)
        self._subscription = self.doc.observe(self._keep)

    def _keep(self, event: TransactionEvent) -> None:
        if self._editing:
            self.sent.append(event.update)

    def edit(self, random: Random) -> None:
        self._editing = True
        with self.doc.transaction():
            for _ in range(random.choice([1, 1, 1, 3])):
                random.choice(STEPS)(self.doc, random)
        self._editing = False

    def learn(self, other: "Author") -> None:
        """Receive all that `other` has."""
        self.doc.apply_update(other.doc.get_update(self.doc.get_state()))


def history(random: Random, edits: int, authors: int = 3) -> tuple[list[Author], list[bytes]]:
    """Authors who edit at once and sync now and then, all equal at the end; their updates in causal order."""
    writers = [Author(random.randrange(1, 2**32)) for _ in range(authors)]
    updates = []
    for _ in range(edits):
        writer = random.choice(writers)
        before = len(writer.sent)
        writer.edit(random)
        updates += writer.sent[before:]
        if random.random() < 0.3:
            random.choice(writers).learn(writer)
    for writer in writers * 2:
        for other in writers:
            writer.learn(other)
    return writers, updates


class Replica:
    """A document that gets only what the gate admits, and tries again what it parked."""

    def __init__(self, state: bytes = b"\x00\x00") -> None:
        self.doc = reloaded(state)
        self.clocks = state_vector(self.doc)
        self.index = survey([state])
        self.parked: list[bytes] = []

    def receive(self, update: bytes) -> None:
        self.parked.append(update)
        while sum(self._try_again() for _ in range(len(self.parked))):
            pass

    def apply(self, admission: Admission) -> None:
        if admission.ready:
            self.doc.apply_update(admission.ready)
            self.clocks.update(admission.clocks)
            self.index.learn(admission)
            assert self.clocks == state_vector(self.doc)

    def _try_again(self) -> bool:
        admission = admit(self.parked.pop(0), self.clocks, index=self.index)
        self.apply(admission)
        if admission.parked:
            self.parked.append(admission.parked)
        return admission.ready is not None


def same(one: Index, other: Index, clocks: dict[int, int], *, collected: bool = False) -> bool:
    """Whether two indexes say the same, whatever their numbers; `collected`: ANY in `other` goes with all."""
    numbers: dict[int, int] = {ANY: ANY, NONE: NONE}
    back: dict[int, int] = {ANY: ANY, NONE: NONE}
    for client, clock in clocks.items():
        for unit in range(clock):
            lists = one.list_at(client, unit), one.held_at(client, unit)
            others = other.list_at(client, unit), other.held_at(client, unit)
            for mine, its in zip(lists, others, strict=True):
                if collected and its == ANY:
                    continue
                if numbers.setdefault(mine, its) != its or back.setdefault(its, mine) != mine:
                    return False
                if one.depths[mine] != other.depths[its]:
                    return False
            if not collected and one.pairs.splits(client, unit) != other.pairs.splits(client, unit):
                return False
    return True
