"""Connections to Redis."""

import pytest

from storage.redis_link import Server


@pytest.mark.parametrize(
    "url",
    ["redis://:se/cret@host:6379", "redis://:se#cret@host", "redis://me:secret@host:x", "http://:secret@h"],
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    """One whose special characters are not escaped has a part of it where the port should be."""
    with pytest.raises(ValueError, match="not a URL of Redis: its form is") as error:
        Server(url, 1.0)

    assert "'se'" not in str(error.value)
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__
