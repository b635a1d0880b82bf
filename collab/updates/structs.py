"""The structure of a Yjs update (V1), checked before anything of it is believed.

Format: https://github.com/yjs/yjs, `src/utils/encoding.js` and `src/structs/Item.js`. An update is

    blocks:  count, then for each client: number of structs, client, first clock, structs
    struct:  info byte, [origin], [right origin], [parent, [key]], content; or for GC and Skip: a length
    deletes: count, then for each client: client, number of ranges, (clock, length) each
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from collab.protocol.lib0 import Malformed, read_string, read_uint
from collab.updates.content import DELETED, GC, MAX_DEPTH, READERS, SKIP, STRING, TYPE, read_count
from collab.updates.errors import InvalidUpdate
from collab.updates.surrogates import MIN_BYTES, low_halves

MAX_CLOCK = 2**31 - 1
"""Last clock of a client. yrs counts in 32 bits and panics close to their end."""

_FOUR_BYTES = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
# A character beyond U+FFFF in UTF-8.

Id = tuple[int, int]
"""Client and clock of one unit of content."""

Range = tuple[int, int]
"""First clock and length, in clock units, of deleted content."""

Deletes = dict[int, list[Range]]
"""By client, the deleted ranges: ascending, not overlapping."""


class Struct(NamedTuple):
    """One struct of an update."""

    clock: int
    end: int  # the clock behind its last unit
    kind: int  # content kind: the low five bits of its info byte
    start: int  # offset of its first byte in the update
    stop: int  # offset behind its last byte
    origin: Id | None  # the unit it was put behind
    right: Id | None  # the unit it was put before
    parent: Id | None  # the type it says it lies in; None with an origin, or in a root type
    needs: tuple[Id, ...]  # those of the three that other clients made
    lows: tuple[int, ...]  # clocks that are the second half of a surrogate pair

    @property
    def sibling(self) -> Id | None:
        """Content in the same parent."""
        return self.origin or self.right


class Block(NamedTuple):
    """The structs of one client, ascending and without a gap (a Skip stands for what is left out)."""

    client: int
    structs: list[Struct]


class Parsed(NamedTuple):
    """An update of sound structure. Whether it fits a document is the gate's question."""

    blocks: dict[int, Block]  # by client
    deletes: Deletes
    claimed: int  # clock units taken by structs whose bytes do not grow with them (GC, Deleted)
    nested: list[Struct]  # those with an explicit parent


def parse(update: bytes) -> Parsed:
    """Check the whole structure of `update`. Raises InvalidUpdate, and nothing else.

    The rules are those under which pycrdt and Yjs read the same content, never panic and can read their own
    encoding again. Linear in the length of `update`.
    """
    try:
        parsed, at = _read_update(update)
    except InvalidUpdate:
        raise
    except Malformed:
        raise InvalidUpdate("primitive") from None
    except IndexError:
        raise InvalidUpdate("truncated") from None
    if at != len(update):
        raise InvalidUpdate("trailing")
    if parsed.nested:
        _check_nesting(parsed)
    return parsed


def low_surrogates(update: bytes) -> list[Id]:
    """The second halves of all surrogate pairs in the text of `update`, each client's ascending.

    For SurrogatePairs.learn, when a document is loaded. Raises InvalidUpdate. Quick where there are none.
    """
    if not _FOUR_BYTES.search(update):
        return []
    blocks = parse(update).blocks.values()
    return [(block.client, low) for block in blocks for struct in block.structs for low in struct.lows]


def _read_update(update: bytes) -> tuple[Parsed, int]:
    blocks: dict[int, Block] = {}
    nested = []
    claimed = 0
    count, at = read_count(update, 0)
    for _ in range(count):
        block, at = _read_block(update, at)
        if block.client in blocks:
            raise InvalidUpdate("client")
        blocks[block.client] = block
        for struct in block.structs:
            if struct.kind <= DELETED:
                claimed += struct.end - struct.clock
            if struct.parent is not None:
                nested.append(struct)
    deletes, at = _read_deletes(update, at)
    return Parsed(blocks, deletes, claimed, nested), at


def _read_block(update: bytes, at: int) -> tuple[Block, int]:
    count, at = read_count(update, at)
    client, at = read_uint(update, at)
    clock, at = read_uint(update, at)
    if not count:
        raise InvalidUpdate("empty")
    structs = []
    for _ in range(count):
        struct = _read_struct(update, at, client, clock)
        structs.append(struct)
        clock = struct.end
        at = struct.stop
    return Block(client, structs), at


def _read_struct(update: bytes, start: int, client: int, clock: int) -> Struct:
    info = update[start]
    kind = info & 31
    origin = right = parent = None
    lows: tuple[int, ...] = ()
    at = start + 1
    if kind in (GC, SKIP):
        if info != kind:
            raise InvalidUpdate("info")
        length, at = read_uint(update, at)
    else:
        origin, right, parent, content = _read_position(update, at, info, client, clock)
        reader = READERS.get(kind)
        if reader is None:
            raise InvalidUpdate("kind")
        length, at = reader(update, content)
        if kind == STRING and at - content - length > MIN_BYTES:
            lows = tuple([clock + low for low in low_halves(read_string(update, content)[0])])
    end = clock + length
    if not length:
        raise InvalidUpdate("length")
    if end > MAX_CLOCK:
        raise InvalidUpdate("clock")
    needs = tuple([ref for ref in (origin, right, parent) if ref and ref[0] != client])
    return Struct(clock, end, kind, start, at, origin, right, parent, needs, lows)


def _read_position(
    update: bytes, at: int, info: int, client: int, clock: int
) -> tuple[Id | None, Id | None, Id | None, int]:
    """Where an item lies: origin, right origin, parent, and the offset behind them."""
    origin = right = parent = None
    if info & 0xC0:
        if info & 0x80:
            origin, at = _read_id(update, at, client, clock)
        if info & 0x40:
            right, at = _read_id(update, at, client, clock)
    else:
        at, parent = _read_parent(update, at, client, clock)
        if info & 0x20:
            _, at = read_string(update, at)
    return origin, right, parent, at


def _read_parent(update: bytes, at: int, client: int, clock: int) -> tuple[int, Id | None]:
    named, at = read_uint(update, at)
    if named > 1:
        raise InvalidUpdate("parent")
    if named:
        return read_string(update, at)[1], None
    parent, at = _read_id(update, at, client, clock)
    return at, parent


def _read_id(update: bytes, at: int, client: int, clock: int) -> tuple[Id, int]:
    """An id that the struct at (`client`, `clock`) refers to, and the offset behind it."""
    owner, at = read_uint(update, at)
    unit, at = read_uint(update, at)
    if unit >= MAX_CLOCK:
        raise InvalidUpdate("clock")
    if owner == client and unit >= clock:
        raise InvalidUpdate("reference")
    return (owner, unit), at


def _read_deletes(update: bytes, at: int) -> tuple[Deletes, int]:
    deletes: Deletes = {}
    count, at = read_count(update, at)
    for _ in range(count):
        client, at = read_uint(update, at)
        ranges, at = _read_ranges(update, at)
        if client in deletes:
            raise InvalidUpdate("client")
        deletes[client] = ranges
    return deletes, at


def _read_ranges(update: bytes, at: int) -> tuple[list[Range], int]:
    count, at = read_count(update, at)
    if not count:
        raise InvalidUpdate("empty")
    ranges = []
    end = 0
    for _ in range(count):
        clock, at = read_uint(update, at)
        length, at = read_uint(update, at)
        if clock < end:
            raise InvalidUpdate("order")
        if not length:
            raise InvalidUpdate("length")
        end = clock + length
        if end > MAX_CLOCK:
            raise InvalidUpdate("clock")
        ranges.append((clock, length))
    return ranges, at


class Index:
    """The structs of an update by the ids they cover."""

    def __init__(self, blocks: Mapping[int, Block]) -> None:
        self._blocks = blocks
        self._clocks = {
            client: [struct.clock for struct in block.structs] for client, block in blocks.items()
        }

    def find(self, ref: Id) -> Struct | None:
        """The struct that holds the unit `ref`, or None where the update has none."""
        client, clock = ref
        clocks = self._clocks.get(client)
        at = bisect_right(clocks, clock) if clocks else 0
        if not at:
            return None
        struct = self._blocks[client].structs[at - 1]
        return struct if clock < struct.end else None


def _check_nesting(parsed: Parsed) -> None:
    """Refuse a parent that is no type, and types more than MAX_DEPTH deep within the update alone."""
    index = Index(parsed.blocks)
    for struct in parsed.nested:
        assert struct.parent is not None
        parent = index.find(struct.parent)
        if parent and parent.kind not in (TYPE, GC, DELETED, SKIP):  # a deleted type has lost its kind
            raise InvalidUpdate("parent")
    types = sum(struct.kind == TYPE for struct in parsed.nested)
    if types >= MAX_DEPTH and nesting(parsed.blocks) > MAX_DEPTH:
        raise InvalidUpdate("depth")


def nesting(blocks: Mapping[int, Block]) -> int:
    """How many types lie in one another at the deepest place, the root type not counted.

    What lies outside of `blocks` counts as a root. Raises InvalidUpdate where structs lie in each other.
    """
    index = Index(blocks)
    levels: dict[int, int] = {}  # by `start`: 1 in a root type; 0 while it is being looked for
    deepest = 0
    for block in blocks.values():
        for struct in block.structs:
            if struct.kind == TYPE:
                deepest = max(deepest, _level(struct, index, levels))
    return deepest


def _level(struct: Struct, index: Index, levels: dict[int, int]) -> int:
    """The level of `struct`: that of its sibling, or one below its parent. Iterative: chains are long."""
    chain = []
    following: Struct | None = struct
    while following and following.start not in levels:
        levels[following.start] = 0
        chain.append(following)
        place = following.origin or following.right or following.parent
        following = index.find(place) if place else None
    level = levels[following.start] if following else 0
    if following and not level:
        raise InvalidUpdate("cycle")
    for link in reversed(chain):
        level = max(level, 1) if link.sibling else level + 1
        levels[link.start] = level
    return level
