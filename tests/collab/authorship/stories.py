"""Random stories of several people at one document, and a model that looks at every unit on its own."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st
from pycrdt import Doc, Map, Text, XmlElement, XmlFragment, XmlText

from collab.authorship.account import Account
from collab.authorship.views import pieces
from collab.document import EMPTY_STATE_VECTOR
from collab.updates import parse
from collab.updates.content import DELETED, SKIP
from storage.state import join
from storage.values import Entry, Part

PEOPLE = ("ann", "bob", "ai:run", "")
MINUTE = 60_000
Unit = tuple[int, int]
Facts = dict[Unit, tuple[str, int, str, int]]
"""By unit: who brought it, minute, who deleted it ("-" for there), minute."""

Act = tuple[str, int, int, int]
"""What is done, by whom, and two numbers to choose places with."""

_ACTS = {
    "type": 4,
    "erase": 2,
    "paragraph": 1,
    "drop": 1,
    "key": 2,
    "send": 5,
    "flush": 4,
    "receive": 3,
    "whisper": 2,
    "renew": 1,
}


def _acts(seed: int, count: int) -> list[Act]:
    """Drawn from a seed: lists that Hypothesis draws act by act are too short for a story."""
    random = Random(seed)
    names = random.choices(list(_ACTS), list(_ACTS.values()), k=count)
    return [
        (name, random.randrange(len(PEOPLE)), random.randrange(99), random.randrange(99)) for name in names
    ]


stories = st.builds(_acts, st.integers(0, 2**32), st.integers(0, 120))


@dataclass
class Person:
    """One person's browser, with a document that may be behind or ahead of the server's."""

    author: str
    doc: Doc[Any]

    def type(self, x: int, y: int) -> None:
        text = self._text(x)
        text.insert(y % (len(text) + 1), "word"[: 1 + x % 4])

    def erase(self, x: int, y: int) -> None:
        text = self._text(x)
        if len(text):
            start = y % len(text)
            del text[start : min(len(text), start + 1 + x % 3)]

    def paragraph(self, x: int, y: int) -> None:
        children = self._body.children
        element = XmlElement("p")
        children.insert(y % (len(children) + 1), element)
        element.children.append(XmlText("p"))

    def drop(self, x: int, y: int) -> None:
        children = self._body.children
        if len(children):
            del children[y % len(children)]

    def key(self, x: int, y: int) -> None:
        self.doc.get("map", type=Map)["ab"[x % 2]] = y

    @property
    def _body(self) -> XmlFragment:
        return self.doc.get("body", type=XmlFragment)

    def _text(self, x: int) -> Any:
        children = self._body.children
        if x % 3 and len(children):
            return children[x % len(children)].children[0]
        return self.doc.get("text", type=Text)


@dataclass
class Story:
    """The server, its people, and what a model says of each unit.

    Attributes:
        entries: what the log gets.
        facts, owners: what an account must say.
    """

    entries: list[Entry] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server: Doc[Any] = Doc(client_id=1)
        self._ids = iter(range(10, 1000))
        self._people = [Person(author, self._new()) for author in PEOPLE]
        self._parts: list[tuple[str, bytes]] = []
        self._dead: set[Unit] = set()

    def tell(self, acts: list[Act]) -> None:
        """Do all of it; what was sent and not flushed is flushed at the end."""
        for name, who, x, y in acts:
            person = self._people[who]
            if name == "send":
                self._send(person)
            elif name == "flush":
                self._flush(x)
            elif name == "receive":
                person.doc.apply_update(self._server.get_update(person.doc.get_state()))
            elif name == "whisper":
                other = self._people[x % len(self._people)].doc
                other.apply_update(person.doc.get_update(other.get_state()))
            elif name == "renew":
                state, person.doc = person.doc.get_update(), self._new()
                person.doc.apply_update(state)
            else:
                getattr(person, name)(x, y)
        self._flush(0)

    def state(self) -> bytes:
        """The server's document as one update."""
        return self._server.get_update(EMPTY_STATE_VECTOR)

    def _new(self) -> Doc[Any]:
        return Doc(client_id=next(self._ids))

    def _send(self, person: Person) -> None:
        """As a step 2: all that the server lacks, and all deletions that the person knows of."""
        update = person.doc.get_update(self._server.get_state())
        if update == b"\x00\x00":
            return
        self._parts.append((person.author, update))
        self._server.apply_update(update)

    def _flush(self, x: int) -> None:
        if not self._parts:
            return
        minute = len(self.entries) + x % 3
        by_author: dict[str, list[bytes]] = {}
        for author, update in self._parts:
            by_author.setdefault(author, []).append(update)
        parts = [Part(author, (), join(updates)) for author, updates in by_author.items()]
        self.entries.append(Entry(minute * MINUTE, tuple(parts)))
        for author, update in self._parts:
            self._note_units(author, minute, update)
        self._parts = []
        self._note_deletions(minute, parts)

    def _note_units(self, author: str, minute: int, update: bytes) -> None:
        """In the order in which they were sent: all that it has is new, or there already."""
        for unit, dead in units(update).items():
            if unit not in self.facts:
                self.facts[unit] = (author, minute, author if dead else "-", minute if dead else 0)
                if author:
                    self.owners.setdefault(unit[0], author)

    def _note_deletions(self, minute: int, parts: list[Part]) -> None:
        """What is gone now and was not before: by the first who names it, else by nobody."""
        before, self._dead = self._dead, dead_units(self.state())
        for unit in self._dead - before:
            author, since, by, _ = self.facts[unit]
            if by == "-":
                names = [part.author for part in parts if unit in named_units(part.update)]
                self.facts[unit] = (author, since, names[0] if names else "", minute)


def units(update: bytes) -> dict[Unit, bool]:
    """The units that an update brings, and whether they come deleted."""
    return {
        (block.client, clock): struct.kind <= DELETED
        for block in parse(update).blocks.values()
        for struct in block.structs
        if struct.kind != SKIP
        for clock in range(struct.clock, struct.end)
    }


def named_units(update: bytes) -> set[Unit]:
    """The units that an update names as deleted."""
    return {
        (client, at)
        for client, ranges in parse(update).deletes.items()
        for clock, length in ranges
        for at in range(clock, clock + length)
    }


def dead_units(state: bytes) -> set[Unit]:
    """What is deleted in a whole state."""
    return named_units(state) | {unit for unit, dead in units(state).items() if dead}


def facts(account: Account) -> Facts:
    """What an account says, unit by unit."""
    found: Facts = {}
    for piece in pieces(account):
        by = ("-", 0) if piece.deleted is None else piece.deleted
        for clock in range(piece.start, piece.stop):
            found[piece.client, clock] = (*piece.brought, *by)
    return found
