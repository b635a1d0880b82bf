"""Where in a document's rich text two characters stand, known by their Yjs ids. Pure but for pycrdt.

pycrdt tells no position of an id in an XmlText (0.14: StickyIndex counts UTF-16 units in a block and bytes
before it, and panics on an unknown id). So a copy of the document is asked: a marker is inserted behind the
character, with the id as its origin; where the marker stands by the rules of YATA, there the character is.
"""

import secrets
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pycrdt import Doc, XmlElement, XmlFragment, XmlText

from collab.protocol.lib0 import uint, write_bytes, write_uint

_HAS_ORIGIN, _STRING = 0x80, 4  # of a struct's info byte: https://github.com/yjs/yjs, Item.js
_MAP, _TEXT = 118, 119  # of lib0's encoding of any value


@dataclass(frozen=True, slots=True)
class CharacterId:
    """The Yjs id of one UTF-16 unit of a text."""

    client: int
    clock: int


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one XmlText.

    Attributes:
        path: indices of children, from the root down to the text.
        start, stop: UTF-8 bytes of its plain text.
    """

    path: tuple[int, ...]
    start: int
    stop: int


def locate(state: bytes, root: str, first: CharacterId, last: CharacterId, quote: str) -> Span | None:
    """The part from the character of `first` to that of `last` in the document of the update `state`.

    `quote` is what stood there when it was chosen; `first` names the last unit of its first character, `last`
    that of its last. None where they do not stand in one text any more, or nothing is left between them.
    """
    before, behind = secrets.token_hex(8), secrets.token_hex(8)
    try:
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        clients = _unused(first, last)
        for id, marker, client in zip((first, last), (before, behind), clients, strict=True):
            doc.apply_update(_insertion(id, marker, client))
        for path, text in _texts(doc.get(root, type=XmlFragment)):
            if before in text and behind in text:
                return _span(path, text, before, behind, quote)
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return None  # ids that lead nowhere; the copy is thrown away
        raise
    return None


def text_at(root: XmlFragment, span: Span) -> XmlText:
    """The text of `span`."""
    node: Any = root
    for index in span.path:
        node = node.children[index]
    assert isinstance(node, XmlText)
    return node


def mark_name(id: str) -> str:
    """The name under which y-prosemirror stores the mark `comment` of this id, one of many on the same text.

    After `hashOfJSON` of its src/utils.js: a folded SHA-256 of the mark in lib0's encoding.
    """
    attrs = _key("id") + _value(id)
    encoded = bytes((_MAP, 2)) + _key("type") + _value("comment") + _key("attrs") + bytes((_MAP, 1)) + attrs
    digest = bytearray(sha256(encoded).digest())
    for index in range(6, len(digest)):
        digest[index % 6] ^= digest[index]
    return f"comment--{b64encode(digest[:6]).decode()}"


def _span(path: tuple[int, ...], text: str, before: str, behind: str, quote: str) -> Span | None:
    at, end = text.index(before), text.index(behind)
    if end < at:
        return None
    chosen = text[at + len(before) : end]
    start = text[:at]
    if quote and start.endswith(quote[0]):  # otherwise the first character is deleted
        start, chosen = start[:-1], quote[0] + chosen
    if not chosen:
        return None
    return Span(path, len(start.encode()), len((start + chosen).encode()))


def _texts(
    node: XmlFragment | XmlElement, path: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], str]]:
    for index, child in enumerate(node.children):
        if isinstance(child, XmlText):
            yield (*path, index), "".join(piece for piece, _ in child.diff() if isinstance(piece, str))
        elif isinstance(child, XmlElement):
            yield from _texts(child, (*path, index))


def _insertion(origin: CharacterId, text: str, client: int) -> bytes:
    """The update by which `client` inserts `text` right behind `origin`."""
    out = bytearray(b"\x01\x01") + uint(client) + b"\x00"
    out.append(_HAS_ORIGIN | _STRING)
    write_uint(out, origin.client)
    write_uint(out, origin.clock)
    write_bytes(out, text.encode())
    out += b"\x00"  # deletes nothing
    return bytes(out)


def _unused(*ids: CharacterId) -> tuple[int, int]:
    """Two client ids, as low as can be: of insertions behind one character the lowest stands first."""
    taken = {id.client for id in ids}
    low = [client for client in range(len(taken) + 2) if client not in taken]
    return low[0], low[1]


def _key(text: str) -> bytes:
    out = bytearray()
    write_bytes(out, text.encode())
    return bytes(out)


def _value(text: str) -> bytes:
    return bytes((_TEXT,)) + _key(text)
