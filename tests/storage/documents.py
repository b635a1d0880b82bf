"""Documents for the tests: edits as updates, and what a document with them reads."""

import random
from typing import Any

from pycrdt import Array, Doc, Map, Text

from storage.base import UpdateLog
from storage.format import encode_entry
from storage.testing import append
from storage.values import ZERO, Cursor, Entry, Part


class Author:
    """Edits one document at random, and keeps every update in causal order."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self.doc: Doc[Any] = Doc(client_id=seed + 1)
        self._text = self.doc.get("text", type=Text)
        self._map = self.doc.get("map", type=Map)
        self._array = self.doc.get("array", type=Array)
        self.updates: list[bytes] = []
        self._subscription = self.doc.observe(lambda event: self.updates.append(event.update))

    def edit(self) -> bytes:
        """One random edit, as an update."""
        match self._random.randrange(4):
            case 0 if len(self._text):
                at = self._random.randrange(len(self._text))
                del self._text[at : at + 1]
            case 1:
                self._map[self._random.choice("abc")] = self._random.random()
            case 2:
                self._array.append({"n": self._random.randrange(9)})
            case _:
                self._text.insert(self._random.randint(0, len(self._text)), self._random.choice("xyz"))
        return self.updates[-1]


def view(updates: list[bytes]) -> object:
    """What a reader of the document sees."""
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return (
        str(doc.get("text", type=Text)),
        doc.get("map", type=Map).to_py(),
        doc.get("array", type=Array).to_py(),
    )


def entry(update: bytes, time: int = 1) -> bytes:
    """An encoded entry of one part."""
    return encode_entry(Entry(time, (Part("ann", (1,), update),)))


async def write(
    log: UpdateLog, author: Author, count: int, after: Cursor = ZERO, doc: str = "a"
) -> list[Cursor]:
    """Append `count` edits; their cursors."""
    return [await append(log, doc, entry(author.edit()), after) for _ in range(count)]


def flip(data: bytes, at: int = -1) -> bytes:
    """`data` with one byte changed."""
    damaged = bytearray(data)
    damaged[at] ^= 0xFF
    return bytes(damaged)
