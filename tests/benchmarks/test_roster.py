from typing import Any

from benchmarks.roster import Roster


def _pair() -> tuple[Roster, Roster, dict[int, Any]]:
    seen: dict[int, Any] = {}
    return Roster(1, {}), Roster(2, seen), seen


def test_an_announced_state_is_seen_and_a_cleared_one_goes() -> None:
    ada, ben, seen = _pair()

    ben.receive(ada.announce({"name": "Ada"}))
    shown = dict(seen)
    ben.receive(ada.announce(None))

    assert (shown, seen) == ({1: {"name": "Ada"}}, {})


def test_an_older_state_never_replaces_a_newer_one() -> None:
    ada, ben, seen = _pair()
    older, newer = ada.announce({"n": 1}), ada.announce({"n": 2})

    ben.receive(newer)
    ben.receive(older)

    assert seen == {1: {"n": 2}}


def test_a_removal_under_the_same_clock_counts() -> None:
    """A server that removes somebody may keep that client's clock."""
    _, ben, seen = _pair()
    ben.receive(b"\x01\x01\x07\x02{}")

    ben.receive(b"\x01\x01\x07\x04null")

    assert seen == {}


def test_the_own_entry_is_passed_over() -> None:
    ada, _, _ = _pair()
    seen: dict[int, Any] = {}
    echo = Roster(1, seen)

    echo.receive(ada.announce({"name": "Ada"}))

    assert seen == {}


def test_after_forgetting_old_clocks_count_again() -> None:
    ada, ben, seen = _pair()
    payload = ada.announce({"name": "Ada"})
    ben.receive(payload)

    ben.forget()
    ben.receive(payload)

    assert seen == {1: {"name": "Ada"}}
