"""What the encoders write is read back; anything else is Corrupt."""

import zlib
from collections.abc import Callable

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import format as codec
from storage.errors import Corrupt
from storage.format import (
    decode_entry,
    decode_segment,
    decode_snapshot,
    encode_entry,
    encode_segment,
    encode_snapshot,
)
from storage.values import Cursor, Entry, Part, Snapshot

naturals = st.integers(0, 2**63 - 1)
cursors = st.builds(Cursor, naturals, naturals)
parts = st.builds(Part, st.text(), st.lists(naturals).map(tuple), st.binary())
entries = st.builds(Entry, naturals, st.lists(parts).map(tuple))
rows = st.dictionaries(cursors, st.binary()).map(lambda rows: sorted(rows.items()))

ENTRY = encode_entry(Entry(1_700_000_000_000, (Part("ann", (7, 9), b"update"), Part("bob", (), b""))))
SNAPSHOT = encode_snapshot(b"state", Cursor(1, 2), 1_700_000_000_000)
SEGMENT = encode_segment([(Cursor(0, 1), ENTRY), (Cursor(1, 1), b"")])
KINDS: list[tuple[bytes, Callable[[bytes], object]]] = [
    (ENTRY, decode_entry),
    (SNAPSHOT, decode_snapshot),
    (SEGMENT, decode_segment),
]

# What a checksum does not stop: payloads of any other shape, sealed by something that is not our encoder.
payloads = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(entries)
def test_an_entry_comes_back(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(st.binary(), cursors, naturals)
def test_a_snapshot_comes_back(state: bytes, cursor: Cursor, time: int) -> None:
    assert decode_snapshot(encode_snapshot(state, cursor, time)) == Snapshot(cursor, time, (state,))


@given(rows)
def test_a_segment_comes_back(rows: list[tuple[Cursor, bytes]]) -> None:
    assert decode_segment(encode_segment(rows)) == rows


def test_every_flipped_bit_and_every_cut_is_corrupt() -> None:
    for data, decode in KINDS:
        for at in range(len(data) * 8):
            damaged = bytearray(data)
            damaged[at // 8] ^= 1 << at % 8
            with pytest.raises(Corrupt):
                decode(bytes(damaged))
        for end in range(len(data)):
            with pytest.raises(Corrupt):
                decode(data[:end])
        with pytest.raises(Corrupt):
            decode(data + b"\0")


def test_one_kind_never_passes_for_another() -> None:
    for data, _ in KINDS:
        for other, decode in KINDS:
            if other != data:
                with pytest.raises(Corrupt):
                    decode(data)
                with pytest.raises(Corrupt):
                    decode(other[:4] + data[4:])


def test_the_checksum_covers_the_kind() -> None:
    """The same payload under another magic has another checksum."""
    sealed = codec._seal(codec._SNAPSHOT, msgpack.packb((5, ())))
    assert decode_entry(codec._seal(codec._ENTRY, msgpack.packb((5, ())))) == Entry(5)
    with pytest.raises(Corrupt, match="checksum"):
        decode_entry(ENTRY[:4] + sealed[4:])


def test_a_newer_format_version_is_named() -> None:
    for data, decode in KINDS:
        with pytest.raises(Corrupt, match="format version 2"):
            decode(data[:3] + b"\x02" + data[4:])


@given(st.binary())
def test_any_bytes_are_corrupt(data: bytes) -> None:
    for _, decode in KINDS:
        with pytest.raises(Corrupt):
            decode(data)


@given(payloads | st.tuples(naturals, payloads) | st.tuples(naturals, naturals, naturals, payloads))
def test_sealed_payloads_of_any_shape_decode_or_are_corrupt(payload: object) -> None:
    packed = msgpack.packb(payload)
    sealed = [
        (codec._seal(codec._ENTRY, packed), decode_entry),
        (codec._seal(codec._SNAPSHOT, packed), decode_snapshot),
        (codec._seal(codec._SEGMENT, len(packed).to_bytes(8, "big") + zlib.compress(packed)), decode_segment),
    ]
    for data, decode in sealed:
        try:
            decode(data)
        except Corrupt:
            continue


@given(st.binary())
def test_sealed_bytes_of_any_kind_decode_or_are_corrupt(payload: bytes) -> None:
    for magic, decode in ((codec._ENTRY, decode_entry), (codec._SNAPSHOT, decode_snapshot)):
        try:
            decode(codec._seal(magic, payload))
        except Corrupt:
            continue
    with pytest.raises(Corrupt):
        decode_segment(codec._seal(codec._SEGMENT, payload))


def test_deep_nesting_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        decode_entry(codec._seal(codec._ENTRY, b"\x91" * 100_000))


def test_a_segment_that_expands_further_than_it_says_is_corrupt() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    for size in (10, 2**63):
        with pytest.raises(Corrupt, match="size"):
            decode_segment(codec._seal(codec._SEGMENT, size.to_bytes(8, "big") + bomb))


def test_a_segment_whose_cursors_do_not_ascend_is_corrupt() -> None:
    for rows in ([(Cursor(0, 1), b""), (Cursor(0, 1), b"")], [(Cursor(1, 1), b""), (Cursor(0, 2), b"")]):
        with pytest.raises(Corrupt, match="ascend"):
            decode_segment(encode_segment(rows))


def test_what_cannot_be_encoded_is_a_value_error() -> None:
    for entry in (Entry(2**64), Entry(0, (Part("a", (2**70,), b""),)), Entry(0, (Part("\ud800", (), b""),))):
        with pytest.raises(ValueError):
            encode_entry(entry)


def test_a_segment_above_the_bound_is_a_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_SEGMENT", 100)
    with pytest.raises(ValueError, match="too many"):
        encode_segment([(Cursor(0, 1), bytes(100))])
