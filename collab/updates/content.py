"""What an item holds: readers that check one content and tell its length in clock units.

Format: https://github.com/yjs/yjs, `src/structs/Content*.js`, and `readAny` of lib0's decoding.js.
Each reader takes the bytes and the offset of the content, and returns the length and the offset behind it.
They raise InvalidUpdate, lib0's Malformed, or IndexError where the bytes end too early.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from collab.protocol.lib0 import MAX_SAFE_INTEGER, read_bytes, read_string, read_uint
from collab.updates.errors import InvalidUpdate

GC, DELETED, STRING, TYPE, SKIP = 0, 1, 4, 7, 10
"""Kinds (the low five bits of a struct's info byte) that are told apart."""

MAX_DEPTH = 64
"""Deepest nesting of types, and of values in one content; far deeper ones overflow native stacks."""

Reader = Callable[[bytes, int], tuple[int, int]]

_XML_ELEMENT = 3
_TYPES = frozenset({0, 1, 2, _XML_ELEMENT, 4, 6})
# Array, Map, Text, XmlElement, XmlFragment, XmlText. A hook (5) would run code, others are unknown to Yjs.


def read_text(data: bytes, at: int) -> tuple[int, int]:
    """A string; its length is counted in UTF-16 code units, as JavaScript does."""
    raw, at = read_bytes(data, at)
    if raw.isascii():
        return len(raw), at
    try:
        return len(raw.decode().encode("utf-16-le")) // 2, at
    except UnicodeDecodeError:
        raise InvalidUpdate("utf8") from None


def _read_binary(data: bytes, at: int) -> tuple[int, int]:
    return 1, read_bytes(data, at)[1]


def _read_embed(data: bytes, at: int) -> tuple[int, int]:
    return 1, _skip_json(data, at)


def _read_format(data: bytes, at: int) -> tuple[int, int]:
    _, at = read_string(data, at)
    return 1, _skip_json(data, at)


def _read_type(data: bytes, at: int) -> tuple[int, int]:
    ref, at = read_uint(data, at)
    if ref not in _TYPES:
        raise InvalidUpdate("type")
    if ref == _XML_ELEMENT:
        _, at = read_string(data, at)
    return 1, at


def _read_values(data: bytes, at: int) -> tuple[int, int]:
    count, at = read_count(data, at)
    for _ in range(count):
        at = _skip_any(data, at, MAX_DEPTH)
    return count, at


def read_count(data: bytes, at: int) -> tuple[int, int]:
    """A number of things that take at least one byte each. Raises InvalidUpdate where they cannot fit."""
    count, at = read_uint(data, at)
    if count > len(data) - at:
        raise InvalidUpdate("count")
    return count, at


READERS: dict[int, Reader] = {
    DELETED: read_uint,
    3: _read_binary,
    STRING: read_text,
    5: _read_embed,
    6: _read_format,
    TYPE: _read_type,
    8: _read_values,
}
"""By kind. Missing on purpose: 2 (JSON of early Yjs, read off by one by yrs), 9 (subdocument), 11 (move)."""


def _skip_any(data: bytes, at: int, room: int) -> int:
    """The offset behind the lib0 `any` value at `at`, which may nest `room` levels deep."""
    tag = data[at]
    at += 1
    if tag in (117, 118):
        if not room:
            raise InvalidUpdate("depth")
        count, at = read_count(data, at)
        for _ in range(count):
            if tag == 118:
                _, at = read_string(data, at)
            at = _skip_any(data, at, room - 1)
        return at
    if tag == 119:
        return read_string(data, at)[1]
    if tag == 125:
        return _skip_int(data, at)
    if tag == 116:
        return read_bytes(data, at)[1]
    if tag in _FIXED:
        end = at + _FIXED[tag]
        if end > len(data):
            raise IndexError(end)
        return end
    raise InvalidUpdate("any")


_FIXED = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}
# Bytes behind the tags for undefined, null, float32, float64, bigint, false, true.


def _skip_int(data: bytes, at: int) -> int:
    """The offset behind a lib0 varInt: sign and six bits in the first byte, then seven bits each."""
    value = data[at] & 63
    shift = 6
    while data[at] > 127:
        at += 1
        value |= (data[at] & 127) << shift
        shift += 7
        if value > MAX_SAFE_INTEGER or shift > 55:
            raise InvalidUpdate("integer")
    return at + 1


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)  # JavaScript reads infinity, yrs refuses
    return value


_JSON = json.JSONDecoder(parse_constant=_number, parse_float=_number, parse_int=_number)


def _skip_json(data: bytes, at: int) -> int:
    """The offset behind a string of JSON that JavaScript, Rust and Python read alike."""
    text, at = read_string(data, at)
    try:
        value = _JSON.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # finds escaped lone surrogates
    except (ValueError, RecursionError):
        raise InvalidUpdate("json") from None
    _check_depth(value, MAX_DEPTH)
    return at


def _check_depth(value: Any, room: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not room:
        raise InvalidUpdate("depth")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, room - 1)
