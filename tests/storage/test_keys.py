"""Names of objects come back as what they were made of, and are safe as file names."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.keys import (
    SegmentKey,
    SnapshotKey,
    decode_id,
    encode_id,
    parse_segment,
    parse_snapshot,
    segment_prefix,
    snapshot_prefix,
)
from storage.values import ZERO, Cursor

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda text: len(text.encode()) <= 200
)
cursors = st.builds(Cursor, st.integers(0, 10**10 - 1), st.integers(0, 10**18 - 1))
times = st.integers(0, 10**15 - 1)
digests = st.binary(min_size=16, max_size=16).map(bytes.hex)
snapshots = st.builds(SnapshotKey, ids, cursors, times, digests)
segments = st.builds(SegmentKey, ids, cursors, cursors, times)


@given(ids)
@example(".")
@example("..")
@example("/")
@example("//")
@example("a//b/../.tmp-x")
@example("+")
@example("%2f")
@example("😀" * 50)
@example("A" * 200)
@example("a" * 200)
def test_an_id_comes_back_from_safe_folder_names(doc: str) -> None:
    text = encode_id(doc)
    assert decode_id(text) == doc
    for part in text.split("/"):
        assert re.fullmatch(r"[a-z0-9_%-]+\+?", part)
        assert len(part) <= 201
    assert len(text) < 620


@given(ids, ids)
@example("a" * 199 + "b", "a" * 199)
@example("A" * 100, "A" * 66)
@example("😀" * 50, "😀" * 16)
@example("Abc", "abc")
def test_the_names_of_two_documents_never_mix(one: str, other: str) -> None:
    name = SnapshotKey(one, ZERO, 0, "0" * 32).name
    assert name.startswith(snapshot_prefix(other)) == (one == other)
    segment = SegmentKey(one, ZERO, ZERO, 0).name
    assert segment.startswith(segment_prefix(other)) == (one == other)


@given(snapshots, segments)
def test_names_come_back(snapshot: SnapshotKey, segment: SegmentKey) -> None:
    assert parse_snapshot(snapshot.name) == snapshot
    assert parse_segment(segment.name) == segment


@given(st.lists(st.builds(SnapshotKey, st.just("a"), cursors, times, digests)))
def test_names_sort_like_cursors(keys: list[SnapshotKey]) -> None:
    assert sorted(key.name for key in keys) == [key.name for key in sorted(keys)]


@pytest.mark.parametrize("doc", ["", "a" * 201, "é" * 101, "\ud800"])
def test_an_id_out_of_bounds_is_refused(doc: str) -> None:
    with pytest.raises(ValueError):
        encode_id(doc)


GOOD = SnapshotKey("a", Cursor(0, 1), 5, "0" * 32).name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "snapshots/a/x",
        GOOD + "0",
        GOOD.replace("/a/", "/A/"),
        GOOD.replace("/a/", "/%61/"),
        GOOD.replace("/a/", "/a+/"),
        GOOD.replace("/a/", "/a/b/"),
        GOOD.replace("/a/", "//"),
        GOOD.replace("/a/", "/%ff/"),
        GOOD.replace("/a/", "/%zz/"),
        GOOD.replace("0000000001-", "00000000１1-"),
    ],
)
def test_what_no_key_made_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        parse_snapshot(name)
    with pytest.raises(ValueError):
        parse_segment(name.replace("snapshots", "history"))
