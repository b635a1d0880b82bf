"""What clients wrote, and what they were promised of it. Knows nothing of the server.

A fact is that a token was written, or that it was deleted. A fact is promised once its author's edit was
acknowledged, or once another client has seen it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pycrdt import Array, Doc, Text

from collab.protocol.ywebsocket import decode_state_vector


class Fact(NamedTuple):
    """Something about a token that must not be forgotten."""

    token: str
    present: bool
    """True: it was written. False: it was deleted."""


class View(NamedTuple):
    """What a document shows."""

    text: str
    items: tuple[str, ...]

    @property
    def tokens(self) -> list[str]:
        """Of text and array, as often as they are there."""
        return [*self.text.split(";")[:-1], *self.items]


@dataclass(frozen=True, slots=True)
class Token:
    """One word that one client wrote once."""

    document: str
    author: str
    client: int
    """The Yjs client id that it was written under."""
    clock: int
    """Its last struct's clock."""


class Ledger:
    """All tokens of one run.

    Attributes:
        promised: each promised fact, and how it was promised first.
        deleted: tokens that their author has deleted.
        excused: promised facts whose last copy was destroyed by a fault.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.promised: dict[Fact, str] = {}
        self.deleted: dict[str, None] = {}
        self.excused: dict[Fact, None] = {}
        self._of: dict[str, list[str]] = {}

    def write(self, name: str, token: Token) -> None:
        """A client has written a token."""
        self.tokens[name] = token
        self._of.setdefault(token.document, []).append(name)

    def promise(self, fact: Fact, how: str) -> None:
        """Somebody relies on it from now on."""
        self.promised.setdefault(fact, how)

    def facts(self, document: str, doc: Doc[Any]) -> dict[Fact, None]:
        """What a replica of `document` knows."""
        clocks = decode_state_vector(doc.get_state())
        visible = set(view(doc).tokens)
        found: dict[Fact, None] = {}
        for name in self._of.get(document, ()):
            token = self.tokens[name]
            if clocks.get(token.client, 0) > token.clock:
                found[Fact(name, True)] = None
                if name not in visible:
                    found[Fact(name, False)] = None
        return found

    def judge(self, document: str, shown: View, source: str) -> Iterable[str]:
        """All broken promises in what `source` shows of `document`."""
        tokens = shown.tokens
        visible = set(tokens)
        if len(visible) != len(tokens):
            doubled = sorted(name for name in visible if tokens.count(name) > 1)
            yield f"{source} shows {document} with tokens doubled: {doubled}"
        strays = [name for name in visible if name not in self._of.get(document, ())]
        if strays:
            yield f"{source} shows in {document} what nobody wrote there: {sorted(strays)}"
        for fact, how in self.promised.items():
            if self.tokens[fact.token].document != document or fact in self.excused:
                continue
            if not fact.present and fact.token in visible:
                yield f"{source} shows {fact.token} of {document}, whose deletion was {how}"
            elif fact.present and fact.token not in visible and fact.token not in self.deleted:
                yield f"{source} lacks {fact.token} of {document}, which was {how}"


def view(doc: Doc[Any]) -> View:
    """What `doc` shows."""
    text, items = doc.get("text", type=Text), doc.get("items", type=Array)
    with doc.transaction():  # one for all that is read
        return View(str(text), tuple(map(str, items)))
