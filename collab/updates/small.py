"""The shapes that typing sends, read without the full parser: one insertion of ASCII text, one deletion.

Whatever is not of these shapes, not sound or not ready is left to the full path, so this file only ever
says what that one would say too (a property test holds it to that).
"""

from collections.abc import Container, Mapping

from collab.protocol.lib0 import Malformed, read_uint
from collab.updates.admission import Admission
from collab.updates.index import ANY, NONE, Index
from collab.updates.structs import MAX_CLOCK

_ONE_STRUCT = b"\x01\x01"
_ONE_DELETED_CLIENT = b"\x00\x01"
_STRING_KINDS = frozenset({0x84, 0x44, 0xC4})
# The info bytes of a string with origin, with right origin, with both.


def admit_small(
    update: bytes, clocks: Mapping[int, int], held: Container[int], index: Index
) -> Admission | None:
    """`admit` for one insertion of text next to other content and for one deletion; None where unsure."""
    head = update[:2]
    try:
        if head == _ONE_STRUCT:
            return _admit_insert(update, clocks, held, index)
        if head == _ONE_DELETED_CLIENT:
            return _admit_delete(update, clocks, index)
    except (Malformed, IndexError):
        pass  # the full path names the reason
    return None


def _admit_insert(
    update: bytes, clocks: Mapping[int, int], held: Container[int], index: Index
) -> Admission | None:
    client, at = read_uint(update, 2)
    clock, at = read_uint(update, at)
    info = update[at]
    if info not in _STRING_KINDS or clock != clocks.get(client, 0) or client in held:
        return None
    at += 1
    pairs = index.pairs
    place = ANY
    # A known id is below its client's clock, so it points neither to this struct nor behind it.
    if info & 0x80:
        owner, at = read_uint(update, at)
        unit, at = read_uint(update, at)
        if unit >= clocks.get(owner, 0) or (pairs and pairs.splits(owner, unit + 1)):
            return None
        place = index.list_at(owner, unit)
    if info & 0x40:
        owner, at = read_uint(update, at)
        unit, at = read_uint(update, at)
        if unit >= clocks.get(owner, 0) or (pairs and pairs.splits(owner, unit)):
            return None
        beside = index.list_at(owner, unit)
        if info & 0x80 and beside != place:
            return None
        place = beside
    if place == ANY:
        return None
    length, at = read_uint(update, at)
    end = clock + length
    if not length or end > MAX_CLOCK or not update[at:].isascii() or update[at + length :] != b"\x00":
        return None
    run = (client, clock, place, NONE)
    return Admission(update, None, {client: end}, len(index.depths), (), (run,), ())


def _admit_delete(update: bytes, clocks: Mapping[int, int], index: Index) -> Admission | None:
    client, at = read_uint(update, 2)
    if update[at] != 1:
        return None
    clock, at = read_uint(update, at + 1)
    length, at = read_uint(update, at)
    end = clock + length
    if not length or end > clocks.get(client, 0) or at != len(update):
        return None
    pairs = index.pairs
    if pairs and (pairs.splits(client, clock) or pairs.splits(client, end)):
        return None
    return Admission(update, None, {}, len(index.depths), (), (), ())
