from typing import Any

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.code_points import CodePointText

TEXTS = st.text(st.sampled_from("ab \né漢ש😀𝒳\u0301\u200d"), max_size=40)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), TEXTS), max_size=20)


def _text() -> tuple["pycrdt.Doc[Any]", pycrdt.Text]:
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    return doc, doc.get("text", type=pycrdt.Text)


@given(EDITS)
def test_splices_do_what_they_do_to_a_python_string(edits: list[tuple[float, int, str]]) -> None:
    _doc, root = _text()
    text, expected = CodePointText(root), ""

    for where, length, inserted in edits:
        position = round(where * len(expected))
        deleted = min(length, len(expected) - position)
        text.splice(position, deleted, inserted)
        expected = expected[:position] + inserted + expected[position + deleted :]

        assert str(root) == expected


def test_a_long_text_beyond_ascii_is_edited_in_many_blocks() -> None:
    _doc, root = _text()
    text, expected = CodePointText(root), "漢😀a" * 2000
    text.splice(0, 0, expected)

    for position, deleted, inserted in ((3000, 1500, "é"), (0, 3, ""), (4000, 0, "𝒳" * 3000), (7000, 0, "z")):
        text.splice(position, deleted, inserted)
        expected = expected[:position] + inserted + expected[position + deleted :]

    assert str(root) == expected


def test_an_edit_of_somebody_else_is_taken_over_by_refresh() -> None:
    doc, root = _text()
    text = CodePointText(root)
    text.splice(0, 0, "ab")
    with doc.transaction():
        root.insert(0, "漢")

    text.refresh()
    text.splice(1, 1, "x")

    assert str(root) == "漢xb"


@pytest.mark.parametrize("content", ["abc", "ab漢"])
def test_a_position_beyond_the_end_is_refused(content: str) -> None:
    _doc, root = _text()
    text = CodePointText(root)
    text.splice(0, 0, content)

    with pytest.raises(IndexError):
        text.splice(4, 0, "x")
    with pytest.raises(IndexError):
        text.splice(2, 2, "x")
    assert str(root) == content
