"""What the clients type is what an editor would have sent, byte for byte."""

from typing import Any

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bench import writing
from benchmarks.bench.writing import Writer
from collab.updates import parse

Doc = pycrdt.Doc[Any]


def _text(doc: Doc) -> pycrdt.Text:
    return doc.get(writing.ROOT, type=pycrdt.Text)


@given(line=st.integers(0, 9), bursts=st.lists(st.binary(min_size=1, max_size=200), max_size=8))
def test_updates_are_those_of_a_whole_document(line: int, bursts: list[bytes]) -> None:
    writer = Writer(line)
    doc: Doc = pycrdt.Doc(client_id=writer.client)
    doc.apply_update(writing.seed(10))
    at = len(str(_text(doc))) // 10 * (line + 1) - 1
    sent: list[bytes] = []
    subscription = doc.observe(lambda event: sent.append(event.update))
    for burst in bursts:
        text = bytes(32 + byte % 90 for byte in burst)  # printable ASCII
        _text(doc).insert(at, text.decode())
        at += len(text)
        assert writer.type(text) == sent[-1]
    doc.unobserve(subscription)


def test_the_seed_is_one_item_with_a_line_for_each() -> None:
    doc: Doc = pycrdt.Doc()
    doc.apply_update(writing.seed(3))

    assert str(_text(doc)).splitlines() == ["Student 00000", "Student 00001", "Student 00002"]


@given(typed=st.lists(st.integers(0, writing.MARKS - 1), max_size=20, unique=True), seen=st.integers(0, 20))
def test_everything_since_a_clock_completes_a_document(typed: list[int], seen: int) -> None:
    writer = Writer(1)
    doc: Doc = pycrdt.Doc()
    doc.apply_update(writing.seed(2))
    whole: Doc = pycrdt.Doc()
    whole.apply_update(writing.seed(2))
    for index, number in enumerate(typed):
        update = writer.type(writing.mark(number))
        whole.apply_update(update)
        if index < seen:
            doc.apply_update(update)
    clock = min(seen, len(typed)) * writing.MARK_UNITS

    doc.apply_update(writer.since(clock))

    assert str(_text(doc)) == str(_text(whole))
    assert writer.since(writer.clock) == writing.EMPTY


@given(st.lists(st.integers(0, writing.MARKS - 1), min_size=1, max_size=40))
def test_marks_are_found_in_merged_updates_and_in_diffs(numbers: list[int]) -> None:
    writers = [Writer(0), Writer(1)]
    doc: Doc = pycrdt.Doc()
    doc.apply_update(writing.seed(2))
    before = doc.get_state()
    updates = [writers[index % 2].type(writing.mark(number)) for index, number in enumerate(numbers)]
    for update in updates:
        doc.apply_update(update)

    merged = pycrdt.merge_updates(*updates)

    assert sorted(writing.marks_in(merged)) == sorted(numbers)
    assert sorted(writing.marks_in(doc.get_update(before))) == sorted(numbers)


def test_no_mark_is_in_a_document_that_nobody_has_typed_into() -> None:
    assert writing.marks_in(writing.seed(2000)) == []


def test_a_caret_stands_behind_what_was_typed_last() -> None:
    writer = Writer(0)
    assert b'"cursor":null' in writer.cursor()
    writer.type(b"abc")

    ends = parse(writer.since(0)).blocks[writer.client].structs[-1].end
    assert f'"client":{writer.client},"clock":{ends - 1}'.encode() in writer.cursor()


_ENTRIES = st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 2**40), st.binary(max_size=300)))


@given(_ENTRIES)
def test_presence_is_read_as_it_was_written(entries: list[writing.Entry]) -> None:
    assert writing.present_in(writing.presence(entries)) == entries


def test_presence_is_what_pycrdt_reads() -> None:
    awareness = pycrdt.Awareness(pycrdt.Doc())
    awareness.apply_awareness_update(writing.presence([(7, 3, b'{"user":{"name":"Ann"}}')]), "wire")

    assert awareness.states[7] == {"user": {"name": "Ann"}}


@pytest.mark.parametrize("number", [0, 61, 62, 3843, 3844, writing.MARKS - 1])
def test_a_mark_stands_for_its_number(number: int) -> None:
    assert writing.marks_in(b"x" + writing.mark(number) + b"y") == [number]
    assert len(writing.mark(number)) == writing.MARK_UNITS
