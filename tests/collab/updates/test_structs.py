"""The structure of updates: what is accepted, what is refused and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.protocol.lib0 import uint
from collab.updates import InvalidUpdate, parse
from tests.collab.updates.craft import block, deletes, item, string, text, update
from tests.collab.updates.traffic import yjs_updates

A = 7
DEEP_ANY = b"\x01" + b"\x75\x01" * 65 + b"\x7e"
DEEP_MAP = b"\x01" + b"\x76\x01\x01k" * 65 + b"\x7e"
DEEP_JSON = text('{"a":' * 65 + "1" + "}" * 65)

REFUSED = {
    "empty bytes": (b"", "primitive"),
    "trailing byte": (update() + b"\0", "trailing"),
    "more clients than bytes": (uint(2**40), "count"),
    "more structs than bytes": (b"\1" + uint(2**31) + uint(A) + b"\0\0", "count"),
    "no struct in a block": (b"\1\0\7\0\0", "empty"),
    "two blocks of one client": (update(block(A, 0, string("a")), block(A, 0, string("b"))), "client"),
    "a client above 2^53": (update(block(2**53, 0, string("a"))), "primitive"),
    "a varint without end": (b"\1\1" + b"\xff" * 40, "primitive"),
    "clock 2^53": (update(block(A, 2**53, string("a"))), "primitive"),
    "clock 2^32-1": (update(block(A, 2**32 - 1, string("a"))), "clock"),
    "clock 2^32-2": (update(block(A, 2**32 - 2, string("a"))), "clock"),
    "three units at 2^32-4": (update(block(A, 2**32 - 4, string("abc"))), "clock"),
    "a claim of all clocks": (update(block(A, 0, b"\0" + uint(2**32 - 2))), "clock"),
    "one unit too many": (update(block(A, 2**31 - 1, string("a"))), "clock"),
    "an origin beyond all clocks": (update(block(A, 0, string("a", origin=(8, 2**31)))), "clock"),
    "an empty string": (update(block(A, 0, string(""))), "length"),
    "an empty GC": (update(block(A, 0, b"\0\0")), "length"),
    "an empty Skip": (update(block(A, 0, b"\x0a\0")), "length"),
    "an empty Deleted": (update(block(A, 0, item(1, b"\0"))), "length"),
    "no value": (update(block(A, 0, item(8, b"\0"))), "length"),
    "itself as origin": (update(block(A, 3, string("a", origin=(A, 3)))), "reference"),
    "a later origin": (update(block(A, 0, string("a", origin=(A, 9)))), "reference"),
    "a later right origin": (update(block(A, 0, string("a", right=(A, 0)))), "reference"),
    "itself as parent": (update(block(A, 0, item(7, b"\0", parent=(A, 0)))), "reference"),
    "an unknown parent form": (update(block(A, 0, b"\x04\x02\x04text\x01a")), "parent"),
    "high bits on a GC": (update(block(A, 0, b"\x80\1")), "info"),
    "high bits on a Skip": (update(block(A, 0, b"\x2a\1")), "info"),
    "old JSON content": (update(block(A, 0, item(2, b"\2" + text("1") + text("2")))), "kind"),
    "a subdocument": (update(block(A, 0, item(9, text("guid") + b"\x76\0"))), "kind"),
    "a move": (update(block(A, 0, item(11, b"\0"))), "kind"),
    "content kind 18": (update(block(A, 0, item(18, b"\1"))), "kind"),
    "type 18": (update(block(A, 0, item(7, b"\x12"))), "type"),
    "a hook": (update(block(A, 0, item(7, b"\5" + text("x")))), "type"),
    "text that is not UTF-8": (update(block(A, 0, item(4, b"\1\xff"))), "utf8"),
    "an encoded surrogate": (update(block(A, 0, item(4, b"\3\xed\xa0\x80"))), "utf8"),
    "a root that is not UTF-8": (update(block(A, 0, b"\x04\1\1\xff\1a")), "primitive"),
    "an unknown value tag": (update(block(A, 0, item(8, b"\1\x73"))), "any"),
    "values 65 deep": (update(block(A, 0, item(8, DEEP_ANY))), "depth"),
    "objects 65 deep": (update(block(A, 0, item(8, DEEP_MAP))), "depth"),
    "values 20000 deep": (update(block(A, 0, item(8, b"\1" + b"\x75\1" * 20000 + b"\x7e"))), "depth"),
    "an integer above 2^53": (
        update(block(A, 0, item(8, b"\1\x7d" + b"\xbf" + b"\xff" * 8 + b"\1"))),
        "integer",
    ),
    "a float cut short": (update(block(A, 0, item(8, b"\1\x7b\0\0"))), "truncated"),
    "JSON 65 deep": (update(block(A, 0, item(5, DEEP_JSON))), "depth"),
    "JSON too deep to read": (update(block(A, 0, item(5, text("[" * 99999)))), "json"),
    "NaN as JSON": (update(block(A, 0, item(5, text("NaN")))), "json"),
    "infinity as JSON": (update(block(A, 0, item(5, text("1e999")))), "json"),
    "a lone surrogate in JSON": (update(block(A, 0, item(5, text('"\\ud800"')))), "json"),
    "no JSON": (update(block(A, 0, item(6, text("bold") + text("")))), "json"),
    "an empty deletion": (update(deleted=deletes((A, 0, 0))), "length"),
    "a deletion beyond all clocks": (update(deleted=deletes((A, 2**31 - 1, 1))), "clock"),
    "deletions of a client twice": (update(deleted=deletes((A, 0, 1), (A, 4, 1))), "client"),
    "no deletion of a client": (b"\0\1\7\0", "empty"),
    "overlapping deletions": (b"\0\1\7\2\0\5\4\1", "order"),
    "descending deletions": (b"\0\1\7\2\5\1\0\1", "order"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_honest_client_sends_is_refused(name: str) -> None:
    crafted, reason = REFUSED[name]
    with pytest.raises(InvalidUpdate) as refusal:
        parse(crafted)

    assert refusal.value.reason == reason


ACCEPTED = {
    "an empty update": update(),
    "the last clock": update(block(A, 2**31 - 2, string("a"))),
    "the greatest client": update(block(2**53 - 1, 0, string("a"))),
    "a Skip": update(block(A, 0, string("a"), b"\x0a\5", string("b", origin=(A, 0)))),
    "values 64 deep": update(block(A, 0, item(8, b"\x01" + b"\x75\x01" * 64 + b"\x7e"))),
    "JSON 64 deep": update(block(A, 0, item(5, text('{"a":' * 64 + "1" + "}" * 64)))),
    "JSON with many brackets": update(block(A, 0, item(5, text("[" + "[],{}," * 99 + '"]]]]"]')))),
    "a surrogate pair in JSON": update(block(A, 0, item(5, text('"\\ud83d\\ude00"')))),
    "a deleted parent": update(block(A, 0, b"\0\1", string("a", root="x"), item(7, b"\0", parent=(A, 0)))),
    "neighbouring deletions": b"\0\1\7\2\0\5\5\1",
    "every value": update(
        block(
            A,
            0,
            item(
                8,
                b"\x0a\x7f\x7e\x7d\x41\x7c\0\0\0\0\x7b"
                + b"\0" * 8
                + b"\x7a"
                + b"\0" * 8
                + b"\x79\x78\x77\0\x74\1a",
            ),
        )
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_sound_is_accepted(name: str) -> None:
    parse(ACCEPTED[name])


def test_every_update_that_yjs_sent_is_accepted() -> None:
    updates = yjs_updates()

    assert len(updates) > 5000
    for honest in updates:
        parse(honest)


@given(st.text(min_size=1))
def test_text_is_as_long_as_in_javascript_and_knows_its_surrogate_pairs(value: str) -> None:
    units = value.encode("utf-16-le")
    lows = [at for at in range(len(units) // 2) if 0xDC <= units[2 * at + 1] <= 0xDF]
    honest = update(block(A, 3, string(value)))

    struct = parse(honest).blocks[A].structs[0]
    assert struct.end == 3 + len(units) // 2
    assert struct.lows == tuple(3 + low for low in lows)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_with_a_reason_or_parsed(data: bytes) -> None:
    try:
        parse(data)
    except InvalidUpdate as refusal:
        assert refusal.reason


@given(st.integers(0, 10**9), st.data())
def test_an_update_cut_short_is_refused(seed: int, data: st.DataObject) -> None:
    updates = yjs_updates()
    honest = updates[seed % len(updates)]
    end = data.draw(st.integers(0, len(honest) - 1))

    with pytest.raises(InvalidUpdate):
        parse(honest[:end])


def test_ids_hold_their_client_and_clock() -> None:
    struct = parse(update(block(A, 5, string("a", origin=(8, 2), right=(A, 1))))).blocks[A].structs[0]

    assert (struct.origin, struct.right, struct.needs) == ((8, 2), (A, 1), ((8, 2),))


def test_items_without_neighbours_hold_their_parent_and_key() -> None:
    inside = item(8, b"\1\x7e", parent=(8, 2), key="level")
    structs = parse(update(block(A, 5, inside, string("a", root="notes")))).blocks[A].structs

    assert [(struct.parent, struct.root, struct.key) for struct in structs] == [
        ((8, 2), "", "level"),
        (None, "notes", None),
    ]
