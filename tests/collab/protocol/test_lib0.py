"""The bounded lib0 decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.protocol.lib0 import (
    MAX_SAFE_INTEGER,
    Malformed,
    read_bytes,
    read_string,
    read_uint,
    uint,
    write_bytes,
)


@given(st.integers(0, MAX_SAFE_INTEGER), st.binary(max_size=5))
def test_integers_round_trip(value: int, behind: bytes) -> None:
    encoded = uint(value)

    assert read_uint(encoded + behind, 0) == (value, len(encoded))


@given(st.integers(MAX_SAFE_INTEGER + 1, 2**80))
def test_integers_that_javascript_cannot_hold_are_refused(value: int) -> None:
    with pytest.raises(Malformed):
        read_uint(uint(value), 0)


def test_an_endless_integer_is_refused_after_a_few_bytes() -> None:
    """200 KB of 0xff cost pycrdt's decoder three seconds."""
    with pytest.raises(Malformed):
        read_uint(b"\xff" * 200_000, 0)


@given(st.binary(max_size=300), st.data())
def test_bytes_round_trip_and_a_cut_is_noticed(data: bytes, draw: st.DataObject) -> None:
    out = bytearray()
    write_bytes(out, data)

    assert read_bytes(bytes(out), 0) == (data, len(out))
    with pytest.raises(Malformed):
        read_bytes(bytes(out[: draw.draw(st.integers(0, len(out) - 1))]), 0)


def test_text_must_be_utf8() -> None:
    with pytest.raises(Malformed):
        read_string(b"\x01\xff", 0)
