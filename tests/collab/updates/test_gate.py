"""The causal gate: what is ready, what must wait, and that nothing is lost between them."""

import pickle
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import merge_updates

from collab.protocol.lib0 import uint
from collab.updates import InvalidUpdate, admit, parse, survey
from collab.updates.gate import MAX_CLAIM
from tests.collab.updates.craft import block, deletes, item, string, update
from tests.collab.updates.traffic import Replica, history, reloaded, view

A, B, C = 7, 8, 9
SEEDS = st.integers(0, 2**32)


def test_what_is_ready_whole_is_given_back_as_it_is() -> None:
    honest = update(
        block(A, 0, string("ab")), block(B, 0, string("c", origin=(A, 0))), deleted=deletes((A, 1, 1))
    )

    admission = admit(honest, {})

    assert admission.ready is honest
    assert admission[1:3] == (None, {A: 2, B: 1})


def test_a_gap_parks_the_whole_update() -> None:
    early = update(block(A, 5, string("x", origin=(A, 4))))

    assert admit(early, {A: 4})[:3] == (None, early, {})


def test_an_update_of_known_structs_is_nothing() -> None:
    assert admit(update(block(A, 0, string("abc"))), {A: 3})[:3] == (None, None, {})
    assert admit(update(), {})[:3] == (None, None, {})


def test_a_known_beginning_of_a_struct_does_not_hinder_the_rest() -> None:
    honest = update(block(A, 0, string("abc")))

    assert admit(honest, {A: 2}).ready is honest
    assert admit(honest, {A: 2}).clocks == {A: 3}


@pytest.mark.parametrize(
    "struct",
    [
        string("x", origin=(B, 3)),
        string("x", right=(B, 3)),
        string("x", origin=(A, 0), right=(B, 3)),
        item(7, b"\0", parent=(B, 3)),
    ],
)
def test_a_struct_waits_for_each_id_that_it_refers_to(struct: bytes) -> None:
    early = update(block(A, 1, struct))

    assert admit(early, {A: 1, B: 3}).parked == early
    assert admit(early, {A: 1, B: 4}).ready is early


def test_a_block_goes_as_far_as_it_can() -> None:
    mixed = update(block(A, 0, string("a"), string("b", origin=(B, 0)), string("c", origin=(A, 1))))

    admission = admit(mixed, {})

    assert admission.ready == update(block(A, 0, string("a")))
    assert admission.parked == update(block(A, 1, string("b", origin=(B, 0)), string("c", origin=(A, 1))))


def test_blocks_that_wait_for_each_other_in_turn_all_go_in() -> None:
    a = [string("x", origin=(B, clock - 1) if clock else None) for clock in range(500)]
    b = [string("y", origin=(A, clock)) for clock in range(500)]
    woven = update(block(A, 0, *a), block(B, 0, *b), block(C, 0, string("z", origin=(B, 499))))

    assert admit(woven, {}).ready is woven


def test_blocks_that_need_each_other_at_once_wait() -> None:
    knot = update(block(A, 0, string("x", origin=(B, 0))), block(B, 0, string("y", origin=(A, 0))))

    assert admit(knot, {})[:3] == (None, knot, {})


def test_skips_are_dropped_at_the_ends_and_kept_inside_of_what_waits() -> None:
    skip = b"\x0a\x02"
    gapped = update(block(A, 0, string("a"), skip, string("b"), skip, string("c"), skip))

    admission = admit(gapped, {})

    assert admission.ready == update(block(A, 0, string("a")))
    assert admission.parked == update(block(A, 3, string("b"), skip, string("c")))


def test_a_skip_over_what_is_known_is_dropped() -> None:
    honest = update(block(A, 0, string("a"), b"\x0a\x02", string("b")))

    assert admit(honest, {A: 3}).ready == update(block(A, 3, string("b")))
    assert admit(honest, {A: 4})[:3] == (None, None, {})


def test_a_known_struct_with_unknown_needs_is_left_out() -> None:
    """pycrdt would wait for them, with all that comes behind."""
    odd = update(block(A, 0, string("a", origin=(C, 9)), string("b")))

    assert admit(odd, {A: 1}).ready == update(block(A, 1, string("b")))


def test_known_structs_are_not_passed_on() -> None:
    """Nobody checked what they say now against what they were."""
    forged = update(block(A, 0, string("forged", root="list"), string("x")))

    assert admit(forged, {A: 6}).ready == update(block(A, 6, string("x")))


def test_new_structs_of_held_clients_wait_and_their_deletions_do_not() -> None:
    relayed = update(block(A, 2, string("x")), block(B, 0, string("y")), deleted=deletes((A, 0, 2)))

    admission = admit(relayed, {A: 2}, held={A})

    assert admission.ready == update(block(B, 0, string("y")), deleted=deletes((A, 0, 2)))
    assert admission.parked == update(block(A, 2, string("x")))
    assert admit(update(block(A, 0, string("xx"))), {A: 2}, held={A}).parked is None


def test_deletions_are_split_at_the_known_clock() -> None:
    deleting = update(block(A, 2, string("x")), deleted=b"\1\7\2" + b"\0\1" + b"\2\5")

    admission = admit(deleting, {A: 2})

    assert admission.ready == update(block(A, 2, string("x")), deleted=b"\1\7\2" + b"\0\1" + b"\2\1")
    assert admission.parked == update(deleted=deletes((A, 3, 4)))


def test_clocks_without_bytes_are_bounded_per_update() -> None:
    with pytest.raises(InvalidUpdate, match="claim"):
        admit(update(block(A, 0, b"\0" + uint(MAX_CLAIM + 1))), {})
    with pytest.raises(InvalidUpdate, match="claim"):
        admit(update(block(A, 0, b"\0" + uint(MAX_CLAIM)), block(B, 0, item(1, b"\1"))), {})

    assert admit(update(block(A, 0, b"\0" + uint(MAX_CLAIM + 1))), {A: 1}).clocks == {A: MAX_CLAIM + 1}


def test_an_admission_comes_back_from_a_worker() -> None:
    admission = admit(update(block(A, 0, item(7, b"\0", parent="list"), string("😀"))), {})

    assert pickle.loads(pickle.dumps(admission)) == admission


def test_an_admission_is_outdated_once_a_client_that_it_extends_has_moved() -> None:
    admission = admit(update(block(A, 1, string("x", origin=(B, 0)))), {A: 1, B: 1})

    assert not admission.outdated({A: 1, B: 1}, {A: 1, B: 5})
    assert admission.outdated({A: 1, B: 1}, {A: 2, B: 1})


PAIRS = survey([update(block(A, 0, string("😀x")))])


@pytest.mark.parametrize(
    "splitting",
    [
        update(block(B, 0, string("x", origin=(A, 0)))),
        update(block(B, 0, string("x", right=(A, 1)))),
        update(block(B, 0, string("é", origin=(A, 0), right=(A, 1)))),
        update(deleted=deletes((A, 0, 1))),
        update(deleted=deletes((A, 1, 1))),
        update(block(B, 0, string("x")), deleted=deletes((A, 1, 1))),
        update(block(A, 2, string("😀"), string("x", origin=(A, 2)))),
        update(block(A, 1, string("😀"))),
    ],
)
def test_nothing_comes_between_the_halves_of_a_surrogate_pair(splitting: bytes) -> None:
    """pycrdt's encoding of the document would have wrong clocks from there on."""
    with pytest.raises(InvalidUpdate, match="surrogate"):
        admit(splitting, {A: 2}, index=PAIRS)


def test_the_first_pair_of_a_document_is_kept_whole_within_its_own_update() -> None:
    with pytest.raises(InvalidUpdate, match="surrogate"):
        admit(update(block(A, 0, string("😀"), string("x", origin=(A, 0)))), {})


def test_what_stays_beside_a_surrogate_pair_is_ready() -> None:
    beside = update(block(B, 0, string("x", origin=(A, 1), right=(A, 2))), deleted=deletes((A, 0, 2)))

    assert admit(beside, {A: 3}, index=PAIRS).ready is beside


@given(SEEDS, st.data())
def test_ready_and_parked_together_are_the_update(seed: int, data: st.DataObject) -> None:
    """Splitting a merge of any updates and applying both parts gives what the merge gives."""
    random = Random(seed)
    _, updates = history(random, 12)
    known = random.randrange(len(updates))
    replica = Replica(merge_updates(*updates[:known]) if known else b"\0\0")
    chosen = data.draw(st.lists(st.sampled_from(updates), min_size=1))
    merged = merge_updates(*chosen)

    admission = admit(merged, replica.clocks, index=replica.index)
    replica.apply(admission)
    if admission.parked:
        assert admit(admission.parked, replica.clocks, index=replica.index).ready is None
    parts = [part for part in (admission.ready, admission.parked) if part]
    everything = merge_updates(*parts, *updates)

    assert view(reloaded(everything)) == view(reloaded(merge_updates(*updates)))
    for update_ in updates:
        replica.receive(update_)
    assert view(replica.doc) == view(reloaded(merge_updates(*updates)))
    for part in parts:
        assert parse(part)


@given(SEEDS)
def test_a_stale_answer_is_safe(seed: int) -> None:
    """What a worker admits with old clocks can still be applied, and loses nothing."""
    random = Random(seed)
    authors, updates = history(random, 15)
    replica = Replica()
    then = random.randrange(len(updates))
    for honest in updates[:then]:
        replica.receive(honest)
    before = dict(replica.clocks)
    big = merge_updates(*updates)
    admission = admit(big, before, index=replica.index)
    for honest in updates[then : random.randrange(then, len(updates)) + 1]:
        replica.receive(honest)
    if admission.outdated(before, replica.clocks):
        admission = admit(big, replica.clocks, index=replica.index)
    replica.apply(admission)

    assert view(replica.doc) == view(authors[0].doc)
