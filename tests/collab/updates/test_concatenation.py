"""Joining updates without decoding them, against pycrdt's own merge."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text, get_state, merge_updates

from collab.updates import admit, concatenate, parse

_CLIENTS = [3, 127, 128, 70_000, 2**31, 2**53 - 1]
_Step = tuple[int, str, bool, bool]


def _play(steps: list[_Step]) -> tuple[bytes, list[bytes]]:
    """A common state, and what clients did from it on, one after the other; each knows what came before."""
    docs: dict[int, Doc[Any]] = {client: Doc(client_id=client) for client in _CLIENTS}
    base: Doc[Any] = Doc(client_id=1)
    base.get("text", type=Text).insert(0, "base")
    start, updates = base.get_update(), []
    for doc in docs.values():
        doc.apply_update(start)
    for client, words, erases, listens in steps:
        doc, before = docs[client], docs[client].get_state()
        if listens:
            for update in updates:
                doc.apply_update(update)
            before = doc.get_state()
        text = doc.get("text", type=Text)
        text.insert(len(str(text).encode()) // 2, words)
        if erases:
            del text[0]
        updates.append(doc.get_update(before))
    return start, updates


def _text(*updates: bytes) -> str:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return str(doc.get("text", type=Text))


_steps = st.lists(
    st.tuples(st.sampled_from(_CLIENTS), st.text("ab", min_size=1, max_size=3), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(_steps)
def test_joined_updates_do_what_they_do_apart(steps: list[_Step]) -> None:
    start, updates = _play(steps)
    joined = concatenate(updates)

    clients = [client for client, _, _, _ in steps]
    plain = len(set(clients)) == len(clients) and not any(erases for _, _, erases, _ in steps)
    # Who listened knows the deletions of others too, and sends them on.
    assert (joined is not None) == plain
    if joined is not None:
        assert _text(start, joined) == _text(start, *updates)
        assert get_state(joined) == get_state(merge_updates(*updates))
        assert list(parse(joined).blocks) == sorted(clients, reverse=True)


@given(_steps, _steps)
def test_what_was_joined_can_be_merged_again(first: list[_Step], second: list[_Step]) -> None:
    start, updates = _play(first + second)
    parts = [updates[: len(first)], updates[len(first) :]]
    joined = [concatenate(part) or merge_updates(*part) for part in parts]

    assert _text(merge_updates(start, *joined)) == _text(start, *updates)


@pytest.mark.parametrize("end", [b"\x80\x00", b"\x01\x05\x01\x00\x81\x00"], ids=["a long zero", "a long one"])
def test_numbers_may_be_longer_than_needed(end: bytes) -> None:
    """As valid updates may end: with no deletions, or with a deletion of one unit."""
    odd = b"\x01\x01\x05\x00\x04\x01\x01t\x01a" + end
    plain = b"\x01\x01\x03\x00\x04\x01\x01t\x01b\x00"

    assert admit(odd, {}).ready == odd
    assert concatenate([odd, plain]) is None


def test_an_update_that_deletes_is_left_to_pycrdt() -> None:
    doc: Doc[Any] = Doc(client_id=5)
    text = doc.get("text", type=Text)
    text.insert(0, "ab")
    before = doc.get_state()
    del text[0]

    assert concatenate([doc.get_update(before)]) is None
