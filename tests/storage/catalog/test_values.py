"""What no database takes never gets as far as one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.catalog.values import Installation, Material, storable
from tests.storage.catalog.materials import material


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "a\0b"),
        ("title", "\ud800"),
        ("kind", "\0"),
        ("created_by", "\0"),
        ("id", "\0"),
        ("id", ""),
        ("id", "é" * 101),
        ("created", -1),
        ("created", 2**63),
    ],
)
def test_a_material_that_cannot_be_stored_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    values = {"id": "a", "kind": None, "title": "", "created": 0, "created_by": ""}
    with pytest.raises(ValueError, match=rf"^{field} of a material"):
        Material(**{**values, field: value})


@given(st.text(st.characters(codec=None)))
def test_storable_text_is_utf_8_without_nul(text: str) -> None:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        assert not storable(text)
    else:
        assert storable(text) == (b"\0" not in encoded)


def test_the_secret_is_not_shown() -> None:
    assert "hidden" not in repr(Installation("id", b"hidden"))


def test_the_longest_id_is_200_bytes() -> None:
    assert material("é" * 100).id == "é" * 100
