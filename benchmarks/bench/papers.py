"""A long document with a history of bursts of typing and corrections, for those who join. Pure."""

import random
from functools import cache
from typing import Any

import pycrdt

from benchmarks.bench.writing import ROOT

_BURST = 34  # characters, the longest
_CORRECTED = 0.3  # part of the bursts after which something is taken back
_AUTHORS = 8
_LOOK = 500  # bursts between two looks at the size


@cache
def paper(size: int) -> bytes:
    """A document of at least `size` bytes and not much more, as one update; the same one for every call."""
    chance = random.Random(7)
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    while len(doc.get_update()) < size:
        author: pycrdt.Doc[Any] = pycrdt.Doc(client_id=1_000_000_000 + chance.randrange(_AUTHORS))
        author.apply_update(doc.get_update())
        _write(author, chance)
        doc.apply_update(author.get_update(doc.get_state()))
    return doc.get_update()


def _write(author: "pycrdt.Doc[Any]", chance: random.Random) -> None:
    text = author.get(ROOT, type=pycrdt.Text)
    with author.transaction():
        for _ in range(_LOOK):
            at = chance.randint(0, len(text))
            burst = "".join(chance.choices("etaoinshrdlu ", k=chance.randint(1, _BURST)))
            text.insert(at, burst)
            if chance.random() < _CORRECTED:
                del text[at : at + chance.randint(1, len(burst))]
