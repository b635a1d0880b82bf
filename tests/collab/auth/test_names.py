"""Which ids a material may have."""

import pytest

from collab.auth.names import check_id
from collab.errors import CloseCode, Rejected


@pytest.mark.parametrize(
    "name", ["m", "b/c", "a", "live", "ab/c", "A/b", "b/a/c", "/a/b", "lives/x", "é" * 100]
)
def test_most_names_are_free(name: str) -> None:
    assert check_id(name) == name


@pytest.mark.parametrize("name", ["", "é" * 101, "a\x00b", "\ud800", "a/", "a/b", "live/", "live/x/y"])
def test_what_is_too_long_no_text_or_reserved_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as refusal:
        check_id(name)

    assert refusal.value.code is CloseCode.MALFORMED
