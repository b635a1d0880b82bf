"""The structure of a Yjs update (V1), checked before anything of it is believed.

Format: https://github.com/yjs/yjs, `src/utils/encoding.js` and `src/structs/Item.js`. An update is

    blocks:  count, then for each client: number of structs, client, first clock, structs
    struct:  info byte, [origin], [right origin], [parent, [key]], content; or for GC and Skip: a length
    deletes: count, then for each client: client, number of ranges, (clock, length) each
"""

from typing import NamedTuple

from collab.protocol.lib0 import Malformed, read_string, read_uint
from collab.updates.content import DELETED, GC, READERS, SKIP, STRING, read_count
from collab.updates.errors import InvalidUpdate
from collab.updates.surrogates import MIN_BYTES, low_halves

MAX_CLOCK = 2**31 - 1
"""Last clock of a client. yrs counts in 32 bits and panics close to their end."""

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
    parent: Id | None  # the type that it lies in; None with a neighbour, or in a root type
    root: str  # the name of the root type that it lies in; "" with a neighbour or parent
    key: str | None  # the key in that type; None with a neighbour, or in its sequence
    needs: tuple[Id, ...]  # those of the three that other clients made
    lows: tuple[int, ...]  # clocks that are the second half of a surrogate pair


class Block(NamedTuple):
    """The structs of one client, ascending and without a gap (a Skip stands for what is left out)."""

    client: int
    structs: list[Struct]


class Parsed(NamedTuple):
    """An update of sound structure. Whether it fits a document is the gate's question."""

    blocks: dict[int, Block]  # by client
    deletes: Deletes
    claimed: int  # clock units taken by structs whose bytes do not grow with them (GC, Deleted)


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
    return parsed


def _read_update(update: bytes) -> tuple[Parsed, int]:
    blocks: dict[int, Block] = {}
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
    deletes, at = _read_deletes(update, at)
    return Parsed(blocks, deletes, claimed), at


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
    origin = right = parent = key = None
    root = ""
    lows: tuple[int, ...] = ()
    at = start + 1
    if kind in (GC, SKIP):
        if info != kind:
            raise InvalidUpdate("info")
        length, at = read_uint(update, at)
    else:
        if info & 0xC0:
            origin, right, content = _read_neighbours(update, at, info, client, clock)
        else:
            parent, root, key, content = _read_parent(update, at, info, client, clock)
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
    return Struct(clock, end, kind, start, at, origin, right, parent, root, key, needs, lows)


def _read_neighbours(
    update: bytes, at: int, info: int, client: int, clock: int
) -> tuple[Id | None, Id | None, int]:
    """Origin and right origin of an item, and the offset behind them."""
    origin = right = None
    if info & 0x80:
        origin, at = _read_id(update, at, client, clock)
    if info & 0x40:
        right, at = _read_id(update, at, client, clock)
    return origin, right, at


def _read_parent(
    update: bytes, at: int, info: int, client: int, clock: int
) -> tuple[Id | None, str, str | None, int]:
    """Parent, name of the root type and key of an item without neighbours, and the offset behind them."""
    parent = key = None
    root = ""
    named, at = read_uint(update, at)
    if named > 1:
        raise InvalidUpdate("parent")
    if named:
        root, at = read_string(update, at)
    else:
        parent, at = _read_id(update, at, client, clock)
    if info & 0x20:
        key, at = read_string(update, at)
    return parent, root, key, at


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
