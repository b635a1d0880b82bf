from typing import Any

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import deletions

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=12)


def _deleting(ranges: list[tuple[int, int]]) -> deletions.Deletions:
    """The deletions of a document whose client 5 typed 80 letters and deleted these of them."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=5)
    text = doc.get("text", type=pycrdt.Text)
    alive = list(range(80))
    with doc.transaction():
        text.insert(0, "x" * 80)
    for start, length in ranges:
        for clock in range(start, start + length):
            if clock in alive:
                at = alive.index(clock)
                del text[at : at + 1]
                del alive[at]
    return deletions.read(doc.get_update(doc.get_state()))


def _ids(found: deletions.Deletions) -> set[int]:
    return {clock for start, end in found.get(5, []) for clock in range(start, end)}


@given(RANGES)
def test_every_deleted_id_is_read_and_no_other(ranges: list[tuple[int, int]]) -> None:
    expected = {clock for start, length in ranges for clock in range(start, start + length)}

    assert _ids(_deleting(ranges)) == expected


@given(RANGES, RANGES)
def test_a_part_is_held_exactly_when_all_its_ids_are(
    all_of: list[tuple[int, int]], part: list[tuple[int, int]]
) -> None:
    whole, piece = _deleting(all_of), _deleting(part)

    assert deletions.holds(whole, piece) == (_ids(piece) <= _ids(whole))


def test_another_clients_ids_do_not_count() -> None:
    assert not deletions.holds({6: [(0, 100)]}, {5: [(1, 2)]})


def test_an_update_with_structs_is_refused() -> None:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    doc.get("text", type=pycrdt.Text).insert(0, "a")

    with pytest.raises(ValueError, match="structs"):
        deletions.read(doc.get_update())
