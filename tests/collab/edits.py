"""Random edits over all shared types: text of many scripts, maps, arrays, nested XML."""

from collections.abc import Callable
from random import Random
from typing import Any, cast

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from benchmarks.code_points import CodePointText
from tests.interop.views import ALPHABET

_VALUES: tuple[Any, ...] = (*ALPHABET, 0, -1, 1.5, 2**40, True, None, {"a": [1, {}]}, [])
_TAGS = ("p", "ul", "li")
_DEEPEST = 6  # elements in one another


def edit(doc: Doc[Any], random: Random) -> None:
    """One to three random edits."""
    for _ in range(random.randint(1, 3)):
        random.choice(_EDITS)(doc, random)


def _type(doc: Doc[Any], random: Random) -> None:
    _splice(doc.get("text", type=Text), random)


def _format(doc: Doc[Any], random: Random) -> None:
    text = doc.get("text", type=Text)
    shown = str(text)
    start, stop = sorted(random.randint(0, len(shown)) for _ in range(2))
    if start < stop:
        attributes = {random.choice(("bold", "em")): random.choice((True, None))}
        text.format(len(shown[:start].encode()), len(shown[:stop].encode()), attributes)


def _set(doc: Doc[Any], random: Random) -> None:
    doc.get("map", type=Map)[random.choice("abcd")] = _value(random)


def _unset(doc: Doc[Any], random: Random) -> None:
    doc.get("map", type=Map).pop(random.choice("abcd"), None)


def _set_inside(doc: Doc[Any], random: Random) -> None:
    for inner in doc.get("map", type=Map).values():
        if isinstance(inner, Map):
            inner[random.choice("xy")] = _value(random)
        elif isinstance(inner, Array):
            inner.insert(random.randint(0, len(inner)), _value(random))
        elif isinstance(inner, Text):
            _splice(inner, random)


def _insert(doc: Doc[Any], random: Random) -> None:
    array = doc.get("array", type=Array)
    array.insert(random.randint(0, len(array)), _value(random))


def _remove(doc: Doc[Any], random: Random) -> None:
    array = doc.get("array", type=Array)
    if len(array):
        start = random.randrange(len(array))
        del array[start : min(len(array), start + random.randint(1, 3))]


def _grow(doc: Doc[Any], random: Random) -> None:
    children = _element(doc, random).children
    new = XmlElement(random.choice(_TAGS), {"lang": random.choice("ab")}, [XmlText(random.choice(ALPHABET))])
    children.insert(random.randint(0, len(children)), new)


def _prune(doc: Doc[Any], random: Random) -> None:
    children = _element(doc, random).children
    if len(children):
        del children[random.randrange(len(children))]


def _write(doc: Doc[Any], random: Random) -> None:
    texts = [child for child in _element(doc, random).children if isinstance(child, XmlText)]
    if texts:
        _splice(random.choice(texts), random)


def _attribute(doc: Doc[Any], random: Random) -> None:
    element = _element(doc, random)
    if isinstance(element, XmlElement):
        element.attributes["lang"] = random.choice("abc")


_EDITS: tuple[Callable[[Doc[Any], Random], None], ...] = (
    _type, _type, _type, _format, _set, _set, _unset, _set_inside, _insert, _insert, _remove,
    _grow, _grow, _grow, _prune, _write, _write, _attribute,
)  # fmt: skip


def _splice(text: Text | XmlText, random: Random) -> None:
    length = len(str(text))
    start = random.randint(0, length)
    deleted = random.choice((0, 0, 1, 3))
    inserted = random.choice(ALPHABET) * random.randint(0, 2)
    CodePointText(cast(Text, text)).splice(start, min(deleted, length - start), inserted)


def _value(random: Random) -> Any:
    shared = (lambda: Map({"x": 1}), lambda: Array([1, "二"]), lambda: Text("😀"))
    return random.choice(shared)() if random.random() < 0.2 else random.choice(_VALUES)


def _element(doc: Doc[Any], random: Random) -> XmlFragment | XmlElement:
    found: XmlFragment | XmlElement = doc.get("xml", type=XmlFragment)
    for _ in range(random.randrange(_DEEPEST)):
        inner = [child for child in found.children if isinstance(child, XmlElement)]
        if not inner:
            break
        found = random.choice(inner)
    return found
