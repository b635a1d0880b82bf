"""The checker finds every kind of broken promise, and nothing where there is none."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.checker import Contents, check, check_agreement, check_strays
from tests.faults.history import History, read

NAMES = st.sampled_from([f"{document}.{number}" for document in "ab" for number in range(6)])


def _history(sent: set[str], acknowledged: set[str], seen: set[str]) -> History:
    """Tokens of documents a and b, named after their document."""
    history = History()
    for token in sorted(sent):
        history.send(token, token[0])
    for token in sorted(acknowledged & sent):
        history.acknowledge(token, "synced")
    for token in sorted(seen & sent):
        history.see(token, token[0])
    return history


def _kinds(history: History, contents: Contents, *, complete: bool = False) -> list[str]:
    return sorted(violation.kind for violation in check(history, contents, "test", complete=complete))


@given(st.sets(NAMES), st.sets(NAMES), st.sets(NAMES), st.data())
def test_contents_that_keep_all_promises_pass(
    sent: set[str], acknowledged: set[str], seen: set[str], data: st.DataObject
) -> None:
    """What was neither acknowledged nor seen may be there or not."""
    history = _history(sent, acknowledged, seen)
    promised = sent & (acknowledged | seen)
    rest = sorted(sent - promised)
    extra = data.draw(st.sets(st.sampled_from(rest))) if rest else set()
    there = sorted(promised | extra)

    contents: Contents = {document: [name for name in there if name[0] == document] for document in "ab"}

    assert check(history, contents, "test") == []


@given(st.sets(NAMES, min_size=1), st.data())
def test_every_missing_acknowledged_token_is_found(sent: set[str], data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(sent)), min_size=1))
    kept: Contents = {document: [name for name in sent - lost if name[0] == document] for document in "ab"}

    violations = check(_history(sent, sent, set()), kept, "test")

    assert {(violation.kind, violation.token) for violation in violations} == {
        ("acknowledged and lost", token) for token in lost
    }


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ({"a": [], "b": []}, "seen and lost"),
        ({"a": ["a.0", "a.0"], "b": []}, "doubled"),
        ({"a": ["a.0", "a.9"], "b": []}, "never sent"),
        ({"a": ["a.0"], "b": ["a.0"]}, "leaked"),
        ({"a": ["a.0"], "b": None}, "unreadable"),
    ],
)
def test_each_kind_of_violation_is_named(found: Contents, kind: str) -> None:
    assert _kinds(_history({"a.0"}, set(), {"a.0"}), found) == [kind]


def test_a_token_that_was_only_sent_must_be_there_when_all_clients_live_on() -> None:
    history = _history({"a.0"}, set(), set())

    assert _kinds(history, {"a": []}) == []
    assert _kinds(history, {"a": []}, complete=True) == ["sent and lost"]


def test_a_token_seen_as_unrecorded_alone_may_be_missing_unless_it_was_acknowledged() -> None:
    history = _history({"a.0", "a.1", "a.2"}, {"a.1"}, {"a.2"})
    for token in ("a.0", "a.1", "a.2"):
        history.see(token, "a", unrecorded=True)

    assert _kinds(history, {"a": []}) == ["acknowledged and lost", "seen and lost"]


def test_sources_that_differ_in_tokens_or_in_their_order_are_reported() -> None:
    sources: dict[str, Contents] = {
        "one": {"a": ["a.0", "a.1"], "b": ["b.0"]},
        "same": {"a": ["a.0", "a.1"], "b": ["b.0"]},
        "turned": {"a": ["a.1", "a.0"], "b": ["b.0"]},
        "poorer": {"a": ["a.0", "a.1"], "b": []},
        "broken": {"a": None, "b": ["b.0"]},
    }

    found = [(each.document, each.token, each.source) for each in check_agreement(sources)]

    assert found == [
        ("a", "", "one and turned"),
        ("b", "b.0", "one and poorer"),
        ("a", "a.0 a.1", "one and broken"),
    ]


def test_an_announcement_lasts_from_the_first_on_to_the_first_off_of_its_server() -> None:
    history = History()
    for address, on in (("x", True), ("y", True), ("x", True), ("x", False), ("x", True)):
        history.announce(address, on=on)

    assert [(span.address, span.end is None) for span in history.unrecorded] == [
        ("x", False),
        ("y", True),
        ("x", True),
    ]


def test_what_a_client_saw_in_the_wrong_document_or_from_nobody_is_reported() -> None:
    history = _history({"a.0"}, set(), set())
    history.see("a.0", "b")
    history.see("a.7", "a")

    assert [violation.kind for violation in check_strays(history)] == ["leaked", "never sent"]


def test_in_flight_and_just_acknowledged_are_counted_at_the_fault() -> None:
    history = _history({"a.0", "a.1", "a.2", "a.3"}, set(), set())
    times = {"a.0": (1.0, 5.0), "a.1": (2.0, 9.95), "a.2": (9.9, 10.2), "a.3": (10.1, None)}
    for name, (sent, acknowledged) in times.items():
        history.tokens[name].sent = sent
        history.tokens[name].acknowledged = acknowledged

    assert [token.token for token in history.in_flight(10.0)] == ["a.2"]
    assert [token.token for token in history.acknowledged(10.0, 0.1)] == ["a.1"]
    assert len(history.acknowledged(10.0)) == 2


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = _history({"a.0", "b.1"}, {"a.0"}, {"b.1"})
    history.see("b.1", "a")
    history.announce("x", on=True)
    history.come_back("y", 1.5)
    out = io.StringIO()

    history.write(out)
    (tmp_path / "history.jsonl").write_text(out.getvalue())

    assert read(tmp_path / "history.jsonl") == history
