"""What is merged loses nothing, and a state with a fault is not sound."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from storage.state import is_sound, merge
from tests.storage.documents import Author, view


def _history(seeds: list[int]) -> list[bytes]:
    """Updates of two authors who sync now and then, in the order in which a server saw them."""
    authors, server = [Author(1), Author(2)], Author(3).doc
    updates: list[bytes] = []
    for seed in seeds:
        author = authors[seed % 2]
        if seed % 5 == 0:
            author.doc.apply_update(server.get_update(author.doc.get_state()))
        update = author.edit()
        server.apply_update(update)
        updates.append(update)
    return updates


histories = st.lists(st.integers(0, 1000), max_size=40).map(_history)


@given(histories)
def test_the_merged_state_reads_like_the_updates_and_is_sound(updates: list[bytes]) -> None:
    state = merge(updates)
    assert view([state]) == view(updates)
    assert is_sound(state)


@given(histories, histories)
def test_a_state_stands_in_for_the_updates_that_it_holds(updates: list[bytes], repeated: list[bytes]) -> None:
    """Merging a snapshot with entries that overlap it changes nothing."""
    state = merge(updates)
    half = len(updates) // 2
    assert view([merge([state, *updates[half:]])]) == view(updates)


def test_content_that_rests_on_missing_content_is_refused() -> None:
    author = Author()
    author.doc["text"] += "ab"
    author.doc["text"] += "cd"
    author.doc["text"] += "ef"
    first, _, third = author.updates[-3:]
    with pytest.raises(ValueError, match="update 1 rests on content that is missing"):
        merge([first, third])
    assert not is_sound(third)


def test_bytes_that_are_no_update_are_refused() -> None:
    with pytest.raises(ValueError, match="update 0 is refused"):
        merge([b"nonsense"])
    assert not is_sound(b"nonsense")


def test_a_panic_of_the_crdt_is_a_value_error() -> None:
    """A clock at the edge of 32 bits panics pycrdt, which is no Exception in Python."""
    doc: Doc[Text] = Doc(client_id=5)
    doc.get("t", type=Text)
    doc["t"] += "a"
    poison = b"\x01\x01\x05" + b"\xff\xff\xff\xff\x0f" + b"\x84\x05\x00\x01b\x00"
    with pytest.raises(ValueError, match="update 1 is refused"):
        merge([doc.get_update(), poison])


def test_a_state_that_cannot_be_opened_again_is_not_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """pycrdt accepts some bytes and then encodes what neither it nor Yjs can decode."""
    state = merge([Author().edit()])
    assert is_sound(state)
    monkeypatch.setattr(Doc, "get_update", lambda self: b"nonsense")
    assert not is_sound(state)


def test_the_order_in_which_pycrdt_writes_keys_does_not_matter() -> None:
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map)["value"] = {f"key {number}": number for number in range(8)}

    assert all(is_sound(doc.get_update()) for _ in range(20))
