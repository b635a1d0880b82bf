"""What a pycrdt document shows, in the words of tests/node/view.mjs, and random edits on it."""

import random
from functools import partial
from typing import Any

import pycrdt

from benchmarks.client import Client
from benchmarks.code_points import CodePointText

ALPHABET = ("a", "Z", " ", "\n", "é", "ß", "漢", "かな", "שלום", "مرحبا", "😀", "👩‍🏫", "🏳️‍🌈", "𝒳", "e\u0301")


def view(doc: "pycrdt.Doc[Any]") -> dict[str, Any]:
    """The four roots that the tests use."""
    return {
        "text": str(doc.get("text", type=pycrdt.Text)),
        "map": doc.get("map", type=pycrdt.Map).to_py(),
        "array": doc.get("array", type=pycrdt.Array).to_py(),
        "xml": str(doc.get("xml", type=pycrdt.XmlFragment)),
    }


def same(state: dict[str, Any], doc: "pycrdt.Doc[Any]") -> bool:
    """Whether a Node client shows what `doc` shows."""
    return all(state[root] == shown for root, shown in view(doc).items())


async def scramble(client: Client, seed: int, count: int) -> None:
    """`count` random edits over all roots, one transaction each."""
    choose = random.Random(seed)
    edits = (_type, _erase, _set, _unset, _put, _drop, _element, _prune)
    for _ in range(count):
        await client.edit(partial(choose.choice(edits), client.doc, choose))


def _type(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    text = doc.get("text", type=pycrdt.Text)
    CodePointText(text).splice(choose.randint(0, len(str(text))), 0, choose.choice(ALPHABET))


def _erase(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    text = doc.get("text", type=pycrdt.Text)
    length = len(str(text))
    start = choose.randint(0, length)
    CodePointText(text).splice(start, min(choose.randint(1, 3), length - start), "")


def _set(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    doc.get("map", type=pycrdt.Map)[f"k{choose.randrange(8)}"] = choose.choice(ALPHABET)


def _unset(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    doc.get("map", type=pycrdt.Map).pop(f"k{choose.randrange(8)}", None)


def _put(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    array = doc.get("array", type=pycrdt.Array)
    array.insert(choose.randint(0, len(array)), choose.choice(ALPHABET))


def _drop(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    array = doc.get("array", type=pycrdt.Array)
    if len(array):
        del array[choose.randrange(len(array))]


def _element(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    children = doc.get("xml", type=pycrdt.XmlFragment).children
    element = pycrdt.XmlElement("p", {"lang": "l0"}, [pycrdt.XmlText(choose.choice(ALPHABET))])
    children.insert(choose.randint(0, len(children)), element)


def _prune(doc: "pycrdt.Doc[Any]", choose: random.Random) -> None:
    children = doc.get("xml", type=pycrdt.XmlFragment).children
    if len(children):
        del children[choose.randrange(len(children))]
