"""Types never lie too deep in one another, and honest documents are never refused for it."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Map, merge_updates

from collab.updates import MAX_DEPTH, Admission, Depths, InvalidUpdate, admit, measure_depth
from tests.collab.updates.craft import block, item, string, update
from tests.collab.updates.traffic import Replica, history

A = 7


def measured(replica: Replica, depths: Depths, admission: Admission) -> bool:
    """What the caller does where `depths` asks for a measurement; False for too deep."""
    assert admission.ready
    merged = merge_updates(replica.doc.get_update(), admission.ready)
    try:
        depth = measure_depth(merged)
    except InvalidUpdate:
        return False
    depths.measured(depth, {**replica.clocks, **admission.clocks})
    return True


def test_the_depth_of_a_document_counts_types_in_types() -> None:
    flat = update(block(A, 0, item(7, b"\0", parent="list"), item(7, b"\1", origin=(A, 0))))
    deep = update(
        block(
            A, 0, item(7, b"\0", parent="list"), item(7, b"\1", parent=(A, 0)), item(7, b"\1", right=(A, 1))
        )
    )

    assert measure_depth(update(block(A, 0, string("text")))) == 0
    assert measure_depth(flat) == 1
    assert measure_depth(deep) == 2


def test_a_long_row_of_types_is_flat() -> None:
    row = [item(7, b"\0", parent="list")] + [item(7, b"\0", origin=(A, clock)) for clock in range(20_000)]

    assert measure_depth(update(block(A, 0, *row))) == 1


def test_a_document_that_was_never_measured_is_measured_before_its_types_grow() -> None:
    depths = Depths()

    assert depths.admits(admit(update(block(A, 0, string("text"))), {}))
    assert depths.admits(admit(update(block(A, 0, item(7, b"\0", parent="list"))), {}))
    assert not depths.admits(admit(update(block(A, 9, item(7, b"\0", parent=(A, 3)))), {A: 9}))


def test_many_types_call_for_a_measurement() -> None:
    """So that what is remembered of them stays bounded."""
    row = [item(7, b"\0", parent="list")] * 6000
    depths = Depths()

    assert depths.admits(admit(update(block(A, 0, *row)), {}))
    assert not depths.admits(admit(update(block(A, 6000, *row)), {A: 6000}))
    depths.measured(1, {A: 6000})
    assert depths.admits(admit(update(block(A, 6000, *row)), {A: 6000}))


def test_what_came_during_a_measurement_keeps_its_bound() -> None:
    depths = Depths()
    depths.measured(0, {})
    assert depths.admits(admit(update(block(A, 0, item(7, b"\0", parent="list"))), {}))
    for clock in range(1, MAX_DEPTH):
        assert depths.admits(
            admit(update(block(A, clock, item(7, b"\0", parent=(A, clock - 1)))), {A: clock})
        )
    depths.measured(1, {A: 1})

    assert not depths.admits(
        admit(update(block(8, 0, item(7, b"\0", parent=(A, MAX_DEPTH - 1)))), {A: MAX_DEPTH})
    )


def test_a_known_type_that_is_told_anew_does_not_become_shallow() -> None:
    depths = Depths()
    depths.measured(0, {})
    assert depths.admits(admit(update(block(A, 0, item(7, b"\0", parent="list"))), {}))
    for clock in range(1, MAX_DEPTH):
        assert depths.admits(
            admit(update(block(A, clock, item(7, b"\0", parent=(A, clock - 1)))), {A: clock})
        )
    assert depths.admits(
        admit(update(block(A, MAX_DEPTH - 1, item(7, b"\0", parent="list"))), {A: MAX_DEPTH - 1})
    )

    assert not depths.admits(
        admit(update(block(8, 0, item(7, b"\0", parent=(A, MAX_DEPTH - 1)))), {A: MAX_DEPTH})
    )


def _nest(replica: Replica, random: Random, deepest: list[bytes | tuple[int, int]]) -> bytes:
    """One more struct, most often a type inside the last one or beside something."""
    client = random.choice([1, 2])
    clock = replica.clocks.get(client, 0)
    kind = random.randrange(6)
    place = deepest[-1]
    if kind == 0 or not isinstance(place, tuple):
        struct = item(7, b"\0", parent="list")
    elif kind == 1:
        return update(block(client, clock, item(8, b"\1\x7e", parent=place)))
    elif kind == 2 and len(deepest) > 3:
        struct = item(7, b"\0", origin=random.choice([spot for spot in deepest if isinstance(spot, tuple)]))
    else:
        struct = item(7, b"\0", parent=place)
    deepest.append((client, clock))
    return update(block(client, clock, struct))


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_no_document_gets_deeper_than_the_limit_one_update_at_a_time(seed: int) -> None:
    random = Random(seed)
    replica, depths = Replica(), Depths()
    places: list[bytes | tuple[int, int]] = [b""]
    refused = 0
    while refused < 3 and len(places) < 400:
        admission = admit(_nest(replica, random, places), replica.clocks)
        if depths.admits(admission) or measured(replica, depths, admission):
            replica.apply(admission)
        else:
            refused += 1
            places.pop()

    assert measure_depth(replica.doc.get_update()) <= MAX_DEPTH


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_honest_documents_are_never_refused_and_seldom_measured(seed: int) -> None:
    random = Random(seed)
    replica, depths = Replica(), Depths()
    measurements = 0
    for honest in history(random, 60)[1]:
        admission = admit(honest, replica.clocks, pairs=replica.pairs)
        if not depths.admits(admission):
            measurements += 1
            assert measured(replica, depths, admission)
        replica.apply(admission)

    assert measurements <= 2


@pytest.mark.parametrize("shared", [Array, Map])
def test_pycrdt_itself_nests_as_measured(shared: type[Array] | type[Map]) -> None:
    replica = Replica()
    place = replica.doc.get("list", type=Array)
    for _ in range(5):
        place = place.append(Array()) or place[0]

    assert measure_depth(replica.doc.get_update()) == 5
