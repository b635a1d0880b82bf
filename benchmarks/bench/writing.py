"""What the clients type: Yjs updates of one insert each, without a document per client. Pure.

Each writer types at the end of a line of its own, under a client id of its own. So its updates are those
that an editor makes there, whatever the others do: the left neighbour is what it typed last, the right
one the line's end. What is typed are marks (`~` and four digits), which can be found again in the bytes of
any frame, also where a server merges updates or sends a diff.
Format: https://github.com/yjs/yjs (src/structs/Item.js, src/utils/encoding.js, version 1).
"""

import re
from collections.abc import Sequence
from itertools import product
from string import ascii_letters, digits

from collab.protocol.lib0 import read_bytes, read_uint, uint, write_bytes, write_uint

ROOT = "text"
"""The name of the shared text."""

EMPTY = b"\x00\x00"
"""The update without content, also the state vector and client map of nothing (first byte)."""

MARK = re.compile(rb"~([0-9A-Za-z]{4})")
"""A mark in the bytes of a frame."""

MARK_UNITS = 5
"""UTF-16 units, and bytes, of a mark."""

_SEED_CLIENT = 2_999_999_999
_FIRST_CLIENT = 3_000_000_000
_STRING, _LEFT, _RIGHT = 4, 0x80, 0x40  # an item's first byte: content, and which neighbours follow
_LINE = "Student %05d\n"
_LINE_UNITS = 14

_PAIRS = ["".join(pair) for pair in product(digits + ascii_letters, repeat=2)]
_NUMBERS = {pair.encode(): number for number, pair in enumerate(_PAIRS)}

MARKS = len(_PAIRS) ** 2
"""How many marks there are."""


def mark(number: int) -> bytes:
    """The mark that stands for `number`, below MARKS."""
    high, low = divmod(number, len(_PAIRS))
    return f"~{_PAIRS[high]}{_PAIRS[low]}".encode()


def marks_in(data: bytes) -> list[int]:
    """The numbers of all marks in `data`, in their order."""
    return [_NUMBERS[found[:2]] * len(_PAIRS) + _NUMBERS[found[2:]] for found in MARK.findall(data)]


def seed(lines: int) -> bytes:
    """The document before anybody types: one line per writer, as an update."""
    out = bytearray(b"\x01\x01" + uint(_SEED_CLIENT) + b"\x00" + bytes((_STRING, 1)))
    write_bytes(out, ROOT.encode())
    write_bytes(out, "".join(_LINE % line for line in range(lines)).encode())
    return bytes(out) + b"\x00"


class Writer:
    """One who types at the end of line `line`.

    Attributes:
        client: the Yjs client id.
        clock: how many UTF-16 units were typed.
    """

    __slots__ = ("_head", "_left", "_right", "_text", "client", "clock")

    def __init__(self, line: int) -> None:
        self.client = _FIRST_CLIENT + line
        self.clock = 0
        end = _LINE_UNITS * (line + 1) - 1  # the clock of the line's end
        self._head = b"\x01\x01" + uint(self.client)
        self._left = uint(_SEED_CLIENT) + uint(end - 1)
        self._right = uint(_SEED_CLIENT) + uint(end)
        self._text = bytearray()

    def type(self, text: bytes) -> bytes:
        """The update that inserts `text` (ASCII)."""
        update = self._insert(self.clock, text)
        self._text += text
        self.clock += len(text)
        return update

    def since(self, clock: int) -> bytes:
        """Everything typed from `clock` on, as one update."""
        return EMPTY if clock >= self.clock else self._insert(clock, bytes(self._text[clock:]))

    def cursor(self) -> bytes:
        """The presence state of an editor as JSON: its caret stands behind what was typed last."""
        if not self.clock:
            return _USER % (self.client % 1000)
        return _CURSOR % (self.client % 1000, self.client, self.clock - 1, self.client, self.clock - 1)

    def _insert(self, clock: int, text: bytes) -> bytes:
        out = bytearray(self._head)
        write_uint(out, clock)
        out.append(_STRING | _LEFT | _RIGHT)
        if clock:
            write_uint(out, self.client)
            write_uint(out, clock - 1)
        else:
            out += self._left
        out += self._right
        write_bytes(out, text)
        out.append(0)
        return bytes(out)


_USER = b'{"user":{"name":"Student %d","color":"#2F5BEA"},"cursor":null}'
_CURSOR = (
    b'{"user":{"name":"Student %d","color":"#2F5BEA"},"cursor":{'
    b'"anchor":{"type":null,"tname":null,"item":{"client":%d,"clock":%d},"assoc":0},'
    b'"head":{"type":null,"tname":null,"item":{"client":%d,"clock":%d},"assoc":0}}}'
)


Entry = tuple[int, int, bytes]
"""Client id, clock and JSON of one who is present."""


def presence(entries: Sequence[Entry]) -> bytes:
    """The awareness payload with `entries` (https://github.com/yjs/y-protocols, awareness.js)."""
    out = bytearray(uint(len(entries)))
    for client, clock, state in entries:
        write_uint(out, client)
        write_uint(out, clock)
        write_bytes(out, state)
    return bytes(out)


def present_in(payload: bytes) -> list[Entry]:
    """What `presence` was given. Raises Malformed."""
    count, at = read_uint(payload, 0)
    found = []
    for _ in range(count):
        client, at = read_uint(payload, at)
        clock, at = read_uint(payload, at)
        state, at = read_bytes(payload, at)
        found.append((client, clock, state))
    return found
