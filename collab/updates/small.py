"""Small updates of one client, read without the full parser: typing, erasing, a value set, a paragraph added.

What `structs`, `gate` and `draft` do one after the other is done here in one walk, for updates that are ready
whole and hold nothing rare. All others are left to the full path, sound or not, so this file only ever says
what that one would say too (a property test holds it to that).
"""

from collections.abc import Container, Mapping

from collab.protocol.lib0 import Malformed, read_string, read_uint
from collab.updates.admission import Admission, NewList, Run
from collab.updates.content import DELETED, MAX_DEPTH, READERS, STRING, TYPE, read_text
from collab.updates.index import ANY, NONE, Index
from collab.updates.structs import MAX_CLOCK

MAX_STRUCTS = 16
"""So many structs an update may have; what was added by it is searched from its end."""

_NO_DELETES = b"\x00"
_READERS = {kind: reader for kind, reader in READERS.items() if kind not in (DELETED, STRING)}
_FOUR_BYTES = 0xF0  # lead bytes in UTF-8 from here on stand for two clock units: a surrogate pair


class _Unsure(Malformed):
    """Something that only the full path decides."""


def admit_small(
    update: bytes, clocks: Mapping[int, int], held: Container[int], index: Index
) -> Admission | None:
    """`admit` for a few new structs of one client, none of them rare, and deletions; None where unsure."""
    try:
        if update[0] == 1:
            return _admit_block(update, clocks, held, index)
        if update[0] == 0:
            _check_deletes(update, 1, {}, clocks, index)
            return Admission(update, None, {}, len(index.depths), (), (), ())
    except (Malformed, IndexError):
        pass  # the full path names the reason
    return None


def _admit_block(update: bytes, clocks: Mapping[int, int], held: Container[int], index: Index) -> Admission:
    client, at = read_uint(update, 2)
    encoded = update[2:at]
    clock, at = read_uint(update, at)
    count = update[1]
    if not 0 < count <= MAX_STRUCTS or clock != clocks.get(client, 0) or client in held:
        raise _Unsure
    block = _Block(update, client, encoded, clock, clocks, index)
    for _ in range(count):
        clock, at = block.take(at, clock)
    if clock > MAX_CLOCK:
        raise _Unsure
    ends = {client: clock}
    if update[at:] != _NO_DELETES:
        _check_deletes(update, at, ends, clocks, index)
    return Admission(update, None, ends, block.base, tuple(block.lists), tuple(block.runs), ())


def _check_deletes(
    update: bytes, at: int, ends: Mapping[int, int], clocks: Mapping[int, int], index: Index
) -> None:
    """Raise _Unsure unless one client's units are deleted, all of them are there, and nothing follows."""
    if update[at] != 1:
        raise _Unsure
    client, at = read_uint(update, at + 1)
    known = ends.get(client) or clocks.get(client, 0)
    count, at = read_uint(update, at)
    if not count:
        raise _Unsure
    end = 0
    pairs = index.pairs
    for _ in range(count):
        clock, at = read_uint(update, at)
        length, at = read_uint(update, at)
        if clock < end or not length:
            raise _Unsure
        end = clock + length
        if end > known or (pairs and (pairs.splits(client, clock) or pairs.splits(client, end))):
            raise _Unsure
    if at != len(update):
        raise _Unsure


class _Block:
    """New structs of one client, each placed in the document when it is read.

    Attributes:
        base, lists, runs: as in `Admission`.
    """

    __slots__ = (
        "_client",
        "_clocks",
        "_depths",
        "_encoded",
        "_first",
        "_index",
        "_update",
        "base",
        "lists",
        "runs",
    )

    def __init__(
        self,
        update: bytes,
        client: int,
        encoded: bytes,
        first: int,
        clocks: Mapping[int, int],
        index: Index,
    ) -> None:
        self.base = len(index.depths)
        self.lists: list[NewList] = []
        self.runs: list[Run] = []
        self._update = update
        self._client = client
        self._encoded = encoded  # the client as it stands in the update; most references are to itself
        self._first = first
        self._clocks = clocks
        self._index = index
        self._depths: list[int] = []  # of the new lists

    def take(self, at: int, clock: int) -> tuple[int, int]:
        """Take in the struct at the offset `at`; returns the clock and the offset behind it."""
        update = self._update
        info = update[at]
        kind = info & 31
        place, at = self._beside(at + 1, info, clock) if info & 0xC0 else self._told(at + 1, info, clock)
        if place == ANY:
            raise _Unsure
        if kind == STRING:
            length, at = _read_plain(update, at)
        else:
            reader = _READERS.get(kind)
            if reader is None:
                raise _Unsure
            length, at = reader(update, at)
        if not length:
            raise _Unsure
        held = self._new(place, None) if kind == TYPE else NONE
        runs = self.runs
        if not runs or runs[-1][2] != place or runs[-1][3] != held:
            runs.append((self._client, clock, place, held))
        return clock + length, at

    def _beside(self, at: int, info: int, clock: int) -> tuple[int, int]:
        """The list of an item with neighbours, and the offset behind them."""
        place = ANY
        pairs = self._index.pairs
        if info & 0x80:
            owner, unit, at = self._read_id(at, clock)
            if pairs and pairs.splits(owner, unit + 1):
                raise _Unsure
            place = self._list_at(owner, unit)
        if info & 0x40:
            owner, unit, at = self._read_id(at, clock)
            if pairs and pairs.splits(owner, unit):
                raise _Unsure
            beside = self._list_at(owner, unit)
            if info & 0x80 and beside != place:
                raise _Unsure
            place = beside
        return place, at

    def _told(self, at: int, info: int, clock: int) -> tuple[int, int]:
        """The list of an item without neighbours, and the offset behind what names it."""
        update = self._update
        named = update[at]
        if named > 1:
            raise _Unsure
        if named:
            root, at = read_string(update, at + 1)
            place = self._find(NONE, root)
        else:
            owner, unit, at = self._read_id(at + 1, clock)
            place = self._held_at(owner, unit)
            if place in (ANY, NONE):
                raise _Unsure
        if info & 0x20:
            key, at = read_string(update, at)
            place = self._find(place, key)
        return place, at

    def _read_id(self, at: int, clock: int) -> tuple[int, int, int]:
        """Client and clock of a unit that the struct at `clock` refers to, and the offset behind them."""
        update, encoded = self._update, self._encoded
        if update.startswith(encoded, at):
            owner, known = self._client, clock
            at += len(encoded)
        else:
            owner, at = read_uint(update, at)
            known = clock if owner == self._client else self._clocks.get(owner, 0)
        unit, at = read_uint(update, at)
        if unit >= known:
            raise _Unsure
        return owner, unit, at

    def _list_at(self, owner: int, unit: int) -> int:
        if self.runs and owner == self._client and unit >= self._first:
            return self._run(unit)[2]
        return self._index.list_at(owner, unit)

    def _held_at(self, owner: int, unit: int) -> int:
        if self.runs and owner == self._client and unit >= self._first:
            return self._run(unit)[3]
        return self._index.held_at(owner, unit)

    def _run(self, unit: int) -> Run:
        return next(run for run in reversed(self.runs) if run[1] <= unit)

    def _find(self, around: int, name: str) -> int:
        """The list `name` in `around`."""
        number = self._index.named(around, name)
        if number is not None:
            return number
        if (around, name) in self.lists:
            return self.base + self.lists.index((around, name))
        return self._new(around, name)

    def _new(self, around: int, name: str | None) -> int:
        """A new list in `around`: of the type that holds it, or with a name."""
        base = self.base
        depth = self._index.depths[around] if around < base else self._depths[around - base]
        depth += name is None
        if depth > MAX_DEPTH:
            raise _Unsure
        self.lists.append((around, name))
        self._depths.append(depth)
        return base + len(self._depths) - 1


def _read_plain(data: bytes, at: int) -> tuple[int, int]:
    """The length in clock units of text without surrogate pairs, and the offset behind it."""
    size, start = read_uint(data, at)
    end = start + size
    raw = data[start:end]
    if raw.isascii():
        return size, end  # where the text is cut short, whatever is read next fails
    if max(raw) >= _FOUR_BYTES:
        raise _Unsure
    return read_text(data, at)
