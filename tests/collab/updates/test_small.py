"""The short way of small updates: it answers often, and never otherwise than the full way."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collab.protocol.lib0 import uint
from collab.updates import MAX_DEPTH, admit, survey
from collab.updates.gate import admit_any
from collab.updates.small import admit_small
from collab.updates.structs import MAX_CLOCK
from tests.collab.updates.craft import block, deletes, item, ref, string, text, update
from tests.collab.updates.traffic import Author, Replica, history

A, B, C, D = 7, 8, 9, 10
SEEDS = st.integers(0, 2**32)

STRUCTS = st.sampled_from(
    [
        string("a"),
        string("text"),
        string("a😀"),
        string("x", root="list"),
        item(7, b"\0", parent="list"),
        item(7, b"\0", parent="list", key="k"),
        item(8, b"\1\x7e", parent="map", key="k"),
        b"\0\2",
    ]
)
STATES = st.dictionaries(st.sampled_from([A, B]), st.lists(STRUCTS, min_size=1, max_size=4)).map(
    lambda structs: update(*[block(client, 0, *each) for client, each in structs.items()])
)
PLAIN = [
    (4, text("a")),
    (4, text("some text")),
    (4, text("é漢")),
    (6, text("bold") + text("true")),
    (7, b"\0"),
    (7, b"\3" + text("paragraph")),
    (8, b"\2\x7d\x01\x7e"),
]
RARE = [
    (4, text("")),
    (4, text("a😀b")),
    (1, b"\2"),
    (3, b"\2ab"),
    (5, text("{}")),
    (7, b"\5"),
    (8, b"\0"),
    (9, b"\0"),
]


@st.composite
def small_updates(draw: st.DrawFn, clocks: dict[int, int]) -> bytes:
    """A few structs of one client and deletions: with references that are there, or with any."""
    sound = draw(st.integers(0, 3)) > 0
    client = draw(st.sampled_from([A, B]))
    clock = clocks.get(client, 0) if sound else draw(st.integers(0, 5))
    structs = []
    there = [(owner, unit) for owner, end in clocks.items() for unit in range(end)]
    for number in range(draw(st.integers(0, 4))):
        near = (
            st.sampled_from(there)
            if sound and there
            else st.tuples(st.sampled_from([A, B]), st.integers(0, 8))
        )
        neighbours = draw(st.sampled_from(["none", "origin", "right", "both"]))
        content = draw(st.sampled_from(PLAIN if sound else PLAIN + RARE))
        structs.append(
            item(
                *content,
                origin=draw(near) if neighbours in ("origin", "both") else None,
                right=draw(near) if neighbours in ("right", "both") else None,
                parent=draw(st.sampled_from(["text", "list", "map", "new"]) | near),
                key=draw(st.sampled_from([None, "k", "new"])),
            )
        )
        there += [(client, clock + number)]
    ranges = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=2, unique=True))
    deleted = b"\1" + uint(client) + uint(len(ranges)) + b"".join(ref(*each) for each in sorted(ranges))
    return update(*[block(client, clock, *structs)][: len(structs)], deleted=deleted if ranges else b"\0")


@settings(max_examples=1000)
@given(
    STATES,
    st.just(set[int]()) | st.sets(st.sampled_from([A, B]), max_size=1),
    st.none() | st.none() | st.tuples(st.integers(0, 60), st.integers(0, 255)),
    st.data(),
)
def test_the_short_way_says_what_the_full_way_says(
    state: bytes, held: set[int], change: tuple[int, int] | None, data: st.DataObject
) -> None:
    clocks, index = admit(state, {}).clocks, survey([state])
    small = data.draw(small_updates(clocks))
    if change and change[0] < len(small):
        small = small[: change[0]] + bytes([change[1]]) + small[change[0] + 1 :]
    answer = admit_small(small, clocks, held, index)

    if answer is not None:
        assert answer == admit_any(small, clocks, held, index)


TYPED = update(
    block(A, 0, string("😀x")),
    block(B, 0, item(7, b"\0", parent="list"), b"\0\2", item(8, b"\1\x7e", parent="map", key="k")),
)
NESTED = update(
    block(D, 0, *[item(7, b"\0", parent=(D, at - 1) if at else "list") for at in range(MAX_DEPTH)])
)
INDEX = survey([TYPED, NESTED])
CLOCKS = {A: 3, B: 4, D: MAX_DEPTH}


@pytest.mark.parametrize(
    "common",
    [
        update(block(A, 3, string("x", origin=(A, 2)))),
        update(block(C, 0, string("x", origin=(A, 1), right=(A, 2)))),
        update(block(A, 3, item(8, b"\1\x7e", origin=(B, 3))), deleted=deletes((B, 3, 1))),
        update(block(A, 3, item(8, b"\1\x7e", parent="map", key="another"))),
        update(
            block(A, 3, item(7, b"\0", parent=(B, 0)), string("x", origin=None), string("y", right=(A, 4)))
        ),
        update(block(A, 3, *[item(8, b"\1\x7e", parent=(B, 0), key="k")] * 2)),
        update(block(A, 3, item(7, b"\0", parent="list"), item(8, b"\1\x7e", parent=(A, 3), key="level"))),
        update(block(A, 3, item(6, text("em") + text("true"), right=(A, 2)), string("x", origin=(A, 3)))),
        update(block(C, 0, string("abc")), deleted=deletes((C, 0, 2))),
        update(block(D, MAX_DEPTH, item(8, b"\1\x7e", parent=(D, MAX_DEPTH - 1), key="k"))),
        update(deleted=deletes((A, 0, 2))),
        update(deleted=b"\1" + uint(A) + b"\2\0\2\2\1"),
    ],
)
def test_common_edits_take_the_short_way(common: bytes) -> None:
    answer = admit_small(common, CLOCKS, (), INDEX)

    assert answer is not None
    assert answer == admit_any(common, CLOCKS, (), INDEX)


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        update(),
        b"\1\0" + uint(A) + uint(3) + b"\0",
        update(block(D, MAX_DEPTH, item(7, b"\0", parent=(D, MAX_DEPTH - 1)))),
        update(block(B, 4, string("x", origin=(A, 3)))),
        update(block(B, 4, string("x", right=(B, 4)))),
        update(block(B, 4, string("x", origin=(A, 0)))),
        update(block(B, 4, string("x", right=(A, 1)))),
        update(block(B, 4, string("x", origin=(A, 2), right=(B, 0)))),
        update(block(B, 4, item(4, text("x"), parent=(B, 1), key="k"))),
        update(block(B, 4, b"\4\2" + text("text") + text("x"))),
        update(block(B, 4, string("x"))) + b"\0",
        update(block(B, 4, string("x")))[:-2],
        update(deleted=deletes((A, 0, 2))) + b"\0",
        update(deleted=b"\1" + uint(A) + b"\0"),
        update(deleted=b"\1" + uint(A) + b"\2\0\3\2\1"),
        update(deleted=b"\2" + uint(A) + b"\1\0\2"),
    ],
)
def test_what_is_odd_is_left_to_the_full_way(odd: bytes) -> None:
    assert admit_small(odd, CLOCKS, (), INDEX) is None


def test_clocks_at_their_end_are_left_to_the_full_way() -> None:
    last = update(block(A, MAX_CLOCK, string("x", origin=(A, 2))))

    assert admit_small(last, {A: MAX_CLOCK}, (), INDEX) is None


@given(SEEDS)
def test_honest_updates_get_one_answer_on_both_ways(seed: int) -> None:
    _, updates = history(Random(seed), 25)
    replica = Replica()
    for honest in updates:
        answer = admit_small(honest, replica.clocks, (), replica.index)
        assert answer in (None, admit_any(honest, replica.clocks, (), replica.index))
        replica.receive(honest)


def test_most_honest_updates_take_the_short_way() -> None:
    _, updates = history(Random(1), 200)
    replica = Replica()
    short = 0
    for honest in updates:
        short += admit_small(honest, replica.clocks, (), replica.index) is not None
        replica.receive(honest)

    assert short > len(updates) / 2


def test_typing_and_erasing_take_the_short_way() -> None:
    author = Author(A)
    author._editing = True
    text = author.doc["text"]
    text += "hello"
    text.insert(2, "x")
    text.insert(0, "y")
    del text[1]
    del author._subscription

    insert, between, before, erase = author.sent
    index = survey([insert])
    assert admit_small(between, {A: 5}, (), index)
    assert admit_small(before, {A: 6}, (), index)
    assert admit_small(erase, {A: 7}, (), index)
    assert admit_small(insert, {}, (), survey([]))
