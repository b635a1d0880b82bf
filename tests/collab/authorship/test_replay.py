"""A document entry by entry, also with a hole in its past."""

from typing import Any

from pycrdt import Doc, Map, Text

from collab.authorship.replay import LOST, Replay
from collab.document import EMPTY_UPDATE


def typing(count: int) -> tuple[Doc[Any], list[bytes]]:
    doc: Doc[Any] = Doc(client_id=10)
    text, updates = doc.get("text", type=Text), []
    for _ in range(count):
        before = doc.get_state()
        text.insert(len(text), "ab")
        updates.append(doc.get_update(before))
    return doc, updates


def setting(client: int) -> bytes:
    doc: Doc[Any] = Doc(client_id=client)
    doc.get("map", type=Map)["key"] = client
    return doc.get_update()


def test_it_tells_what_goes_by_merging_alone() -> None:
    """Of two values that were set at once one goes, and no update says so."""
    replay = Replay()

    assert replay.apply(setting(20)) == {}
    assert replay.apply(setting(30)) == {20: [(0, 1)]}
    assert replay.apply(setting(30)) == {}


def test_behind_a_hole_nothing_can_be_told_until_a_snapshot() -> None:
    doc, updates = typing(4)
    replay = Replay()
    replay.apply(updates[0])

    assert replay.apply(updates[2]) is None
    assert replay.state == LOST
    assert Replay(replay.state).apply(updates[1]) is None
    assert replay.apply(setting(20)) is None
    assert replay.resume(doc.get_update()) == {}
    assert replay.apply(setting(20)) == {}
    assert replay.apply(setting(30)) == {20: [(0, 1)]}


def test_bytes_that_kill_a_document_are_a_hole() -> None:
    replay = Replay()

    assert replay.apply(b"not an update") is None
    assert replay.resume(EMPTY_UPDATE) == {}


def test_a_state_goes_on_where_it_was() -> None:
    _, updates = typing(2)
    first = Replay()
    first.apply(updates[0])
    first.apply(setting(20))
    second = Replay(first.state)

    assert second.apply(updates[1]) == {}
    assert second.apply(setting(30)) == {20: [(0, 1)]}
