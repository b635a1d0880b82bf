"""The index knows in which list each unit lies, how deep, and the gate lets nothing into two lists."""

import pickle
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text, merge_updates

from collab.updates import MAX_DEPTH, InvalidUpdate, admit, parse, survey
from collab.updates.content import GC
from collab.updates.index import NONE
from tests.collab.updates.craft import block, deletes, item, string, update
from tests.collab.updates.traffic import Replica, history, reloaded, same, state_vector, view, yjs_updates

A, B = 7, 8
SEEDS = st.integers(0, 2**32)

PARAGRAPH = [
    item(7, b"\3\1p", parent="xml"),
    item(7, b"\6", parent=(A, 0)),
    item(8, b"\1\x77\1x", parent=(A, 0), key="level"),
    item(8, b"\1\x77\1y", parent=(A, 0), key="align"),
    item(4, b"\3abc", parent=(A, 1)),
    item(7, b"\3\1q", origin=(A, 0)),
    item(7, b"\6", parent=(A, 7)),
    string("text"),
]
STATE = update(block(A, 0, *PARAGRAPH))
FRAGMENT, ELEMENT, LEVEL, ALIGN, LETTERS, SECOND, INSIDE, ROOT = [(A, at) for at in (0, 1, 2, 3, 4, 7, 8, 9)]
CLOCKS = {A: 13}


@pytest.mark.parametrize("kind", [item(4, b"\1x", ELEMENT, LEVEL), item(7, b"\2", ELEMENT, LEVEL)])
def test_a_child_between_text_and_attribute_is_refused(kind: bytes) -> None:
    """With the paragraph deleted, pycrdt would keep the attribute and a freed pointer to its parent."""
    hostile = update(block(B, 0, kind), deleted=deletes((A, 0, 1)))
    index = survey([STATE])

    with pytest.raises(InvalidUpdate, match="place"):
        admit(hostile, CLOCKS, index=index)


def test_pycrdt_alone_loses_an_item_between_two_lists() -> None:
    """The reason for the index. When this fails, pycrdt has been repaired."""
    doc = reloaded(STATE)
    doc.apply_update(update(block(B, 0, string("x", ELEMENT, LEVEL)), deleted=deletes((A, 0, 1))))

    orphan = next(struct for struct in parse(doc.get_update()).blocks[A].structs if struct.clock == LEVEL[1])
    assert orphan.kind != GC


PLACES = [FRAGMENT, ELEMENT, LEVEL, ALIGN, LETTERS, INSIDE, ROOT]


@pytest.mark.parametrize(("origin", "right"), [(one, two) for one in PLACES for two in PLACES if one != two])
def test_neighbours_in_different_lists_are_refused(origin: tuple[int, int], right: tuple[int, int]) -> None:
    """Two parents, a sequence and a key, two keys, two root types."""
    with pytest.raises(InvalidUpdate) as refusal:
        admit(update(block(B, 0, string("x", origin, right))), CLOCKS, index=survey([STATE]))

    assert refusal.value.reason == "place"


@pytest.mark.parametrize(
    "structs",
    [
        [string("x", ELEMENT), string("y", (B, 0), LEVEL)],
        [item(7, b"\2", ELEMENT), string("y", (B, 0), ROOT)],
        [item(8, b"\1\x7e", parent="map", key="a"), string("y", (B, 0), ROOT)],
        [string("x", root="a"), string("y", root="b"), string("z", (B, 0), (B, 1))],
        [item(4, b"\1x", parent=INSIDE), string("y", (B, 0), LETTERS)],
    ],
)
def test_new_neighbours_count_as_well(structs: list[bytes]) -> None:
    with pytest.raises(InvalidUpdate, match="place"):
        admit(update(block(B, 0, *structs)), CLOCKS, index=survey([STATE]))


def test_the_rest_of_a_known_item_goes_where_its_beginning_is() -> None:
    longer = update(block(A, 9, string("text and more", root="list")))

    with pytest.raises(InvalidUpdate, match="place"):
        admit(longer, CLOCKS, index=survey([STATE]))
    assert admit(update(block(A, 9, string("text and more"))), CLOCKS, index=survey([STATE])).ready


def test_neighbours_in_one_list_are_ready() -> None:
    for struct in (
        string("x", FRAGMENT, SECOND),
        string("x", LETTERS, (A, 5)),
        string("x", ROOT, (A, 10)),
        item(8, b"\1\x7e", LEVEL),
    ):
        honest = update(block(B, 0, struct))
        assert admit(honest, CLOCKS, index=survey([STATE])).ready is honest


def test_a_parent_that_is_no_type_is_refused() -> None:
    for place in (LEVEL, LETTERS, ROOT):
        with pytest.raises(InvalidUpdate, match="parent"):
            admit(update(block(B, 0, item(4, b"\1x", parent=place))), CLOCKS, index=survey([STATE]))


def test_what_was_deleted_goes_with_any_list() -> None:
    """A child that was sent before its paragraph was deleted."""
    index = survey([update(block(A, 0, item(1, b"\1", parent="xml"), b"\0\6", string("text")))])
    clocks = {A: 11}

    for struct in (string("x", (A, 1)), string("x", (A, 4), (A, 8)), item(7, b"\2", parent=(A, 0), key="k")):
        late = update(block(B, 0, struct, item(4, b"\1y", parent=(B, 0)) if struct[0] & 31 == 7 else struct))
        admission = admit(late, clocks, index=index)
        doc = reloaded(update(block(A, 0, item(1, b"\1", parent="xml"), b"\0\6", string("text"))))
        doc.apply_update(late)

        assert admission.ready is late
        assert state_vector(reloaded(doc.get_update())) == {**clocks, **admission.clocks}


@pytest.mark.parametrize("key", [None, "k"])
def test_types_lie_at_most_64_deep(key: str | None) -> None:
    nested = [item(7, b"\0", parent="list", key=key)]
    nested += [item(7, b"\0", parent=(A, at), key=key) for at in range(MAX_DEPTH)]
    beside = [item(7, b"\0", origin=(A, at)) for at in range(20_000)]

    with pytest.raises(InvalidUpdate, match="depth"):
        admit(update(block(A, 0, *nested)), {})
    assert admit(update(block(A, 0, *nested[:MAX_DEPTH])), {}).ready
    assert admit(update(block(A, 0, nested[0], *beside)), {}).ready


def test_the_65th_type_is_refused_also_in_an_update_of_its_own() -> None:
    replica = Replica()
    replica.receive(update(block(A, 0, item(7, b"\0", parent="list"))))
    for at in range(1, MAX_DEPTH):
        replica.receive(update(block(A, at, item(7, b"\0", parent=(A, at - 1)))))

    assert nesting(replica.doc.get_update()) == MAX_DEPTH
    with pytest.raises(InvalidUpdate, match="depth"):
        replica.receive(update(block(A, MAX_DEPTH, item(7, b"\0", parent=(A, MAX_DEPTH - 1)))))


def test_text_beside_collected_content_alone_goes_with_any_list_too() -> None:
    index = survey([update(block(A, 0, b"\0\2", string("text")))])
    admission = admit(update(block(B, 0, string("x", (A, 1)))), {A: 6}, index=index)
    index.learn(admission)

    assert admit(update(block(9, 0, string("y", (B, 0), (A, 2)))), {A: 6, B: 1}, index=index).ready


def _nest(replica: Replica, random: Random, places: list[tuple[int, int]]) -> bytes:
    """One more struct, most often a type inside the last one or beside something."""
    client = random.choice([1, 2])
    unit = client, replica.clocks.get(client, 0)
    kind = random.randrange(6)
    if kind == 0 or not places:
        struct = item(7, b"\0", parent="list")
    elif kind == 1:
        return update(block(*unit, item(8, b"\1\x7e", parent=places[-1])))
    elif kind == 2:
        struct = item(7, b"\0", origin=random.choice(places))
    else:
        struct = item(7, b"\0", parent=places[-1])
    places.append(unit)
    return update(block(*unit, struct))


def nesting(state: bytes) -> int:
    """How many types lie in one another at the deepest place of a whole document, by the definition."""
    structs = {(block.client, s.clock): s for block in parse(state).blocks.values() for s in block.structs}
    levels: dict[tuple[int, int], int] = {}
    waiting = [unit for unit, struct in structs.items() if struct.kind == 7]
    while waiting:
        unit = waiting[-1]
        struct = structs[unit]
        place = struct.origin or struct.right or struct.parent
        if place is not None and place not in levels:
            waiting.append(place)
        else:
            inside = place is not None and place == struct.parent
            levels[unit] = levels[place] + inside if place is not None else 1
            waiting.pop()
    return max(levels.values(), default=0)


@settings(max_examples=25)
@given(SEEDS)
def test_no_document_gets_deeper_than_the_limit_one_update_at_a_time(seed: int) -> None:
    random = Random(seed)
    replica = Replica()
    places: list[tuple[int, int]] = []
    refused = 0
    while refused < 3 and len(places) < 400:
        try:
            replica.apply(admit(_nest(replica, random, places), replica.clocks, index=replica.index))
        except InvalidUpdate as refusal:
            assert refusal.reason == "depth"
            refused += 1
            places.pop()

    assert nesting(replica.doc.get_update()) <= MAX_DEPTH


@settings(max_examples=40)
@given(SEEDS)
def test_what_is_learned_update_by_update_is_what_a_survey_finds(seed: int) -> None:
    _, updates = history(Random(seed), 25)
    replica = Replica()
    for honest in updates:
        replica.receive(honest)

    assert same(replica.index, survey(updates), replica.clocks)
    assert same(replica.index, survey([merge_updates(*updates)]), replica.clocks)
    assert same(replica.index, survey([replica.doc.get_update()]), replica.clocks, collected=True)


@settings(max_examples=40)
@given(SEEDS)
def test_a_late_answer_of_a_worker_is_learned_as_if_it_came_at_once(seed: int) -> None:
    """Lists that others made meanwhile have taken its numbers, or are the very ones that it made."""
    random = Random(seed)
    updates = [honest for each in range(3) for honest in history(Random(seed + each), 8, authors=1)[1]]
    replica = Replica()
    late = random.sample(updates, 6)
    admissions = [
        admit(honest, {}, index=pickle.loads(pickle.dumps(replica.index.copy()))) for honest in late
    ]
    for honest in updates:
        if honest not in late:
            replica.receive(honest)
    before = dict(replica.clocks)
    for admission in admissions:
        if admission.ready and not admission.outdated({}, replica.clocks):
            replica.apply(pickle.loads(pickle.dumps(admission)))
    for honest in updates:
        replica.receive(honest)

    assert before != replica.clocks or not any(admission.ready for admission in admissions)
    assert same(replica.index, survey(updates), replica.clocks)


def test_a_copy_learns_nothing() -> None:
    index = survey([STATE])
    copy = index.copy()
    index.learn(admit(update(block(A, 13, string("😀", root="new"))), CLOCKS, index=index))

    assert same(copy, survey([STATE]), CLOCKS)
    assert copy.named(NONE, "new") is None
    assert not copy.pairs


def test_text_typed_on_takes_no_memory() -> None:
    doc: Doc[Any] = Doc(client_id=A)
    doc.get("text", type=Text).insert(0, "a" * 10_000)
    typed = survey([doc.get_update()])
    split = survey([update(block(A, 0, string("a"), *[string("a", (A, at)) for at in range(9_999)]))])

    assert len(pickle.dumps(split)) == len(pickle.dumps(typed))


def test_all_that_yjs_sent_is_admitted() -> None:
    """Undo, attributes, formatting, nested maps, garbage collected neighbours; the server restarts."""
    replica = Replica()
    for number, honest in enumerate(yjs_updates()):
        replica.receive(honest)
        if number % 700 == 0 and not replica.parked:
            replica = Replica(replica.doc.get_update())

    assert not replica.parked
    assert same(replica.index, survey([replica.doc.get_update()]), replica.clocks, collected=True)
    assert view(reloaded(replica.doc.get_update())) == view(replica.doc)
