"""What is counted: every edit of others once, from when it should have been sent."""

import math

import pytest

from benchmarks.bench.ledger import Arrivals, Ledger
from benchmarks.bench.writing import mark


def _frame(*marks: int) -> bytes:
    return b"\x05" + b"".join(map(mark, marks))


@pytest.fixture
def ledger() -> Ledger:
    """Three edits, meant for 10, 11 and 12 s."""
    ledger = Ledger()
    assert [ledger.edit(float(at)) for at in (10, 11, 12)] == [0, 1, 2]
    return ledger


def test_a_latency_counts_from_the_time_that_was_meant(ledger: Ledger) -> None:
    arrivals = Arrivals()
    ledger.arrive(arrivals, _frame(0), 10.5)
    ledger.arrive(arrivals, _frame(1, 2), 12.25)

    found = ledger.latencies([(arrivals, set())], 10.0, 12.5)

    assert [found.quantile(part) for part in (0.3, 0.6, 1)] == pytest.approx([250, 500, 1250], rel=0.01)


def test_own_edits_and_repeated_ones_do_not_count(ledger: Ledger) -> None:
    arrivals = Arrivals()
    ledger.arrive(arrivals, _frame(0, 1), 12.0)
    ledger.arrive(arrivals, _frame(0, 1, 2), 13.0)

    found = ledger.latencies([(arrivals, {1})], 10.0, 13.0)

    assert len(found) == 2  # 0 at its first sight, and 2


def test_edits_outside_the_window_do_not_count(ledger: Ledger) -> None:
    arrivals = Arrivals()
    ledger.arrive(arrivals, _frame(0, 1, 2), 13.0)

    assert len(ledger.latencies([(arrivals, set())], 11.0, 12.0)) == 1


def test_deliveries_are_counted_by_when_they_came(ledger: Ledger) -> None:
    arrivals, other = Arrivals(), Arrivals()
    ledger.arrive(arrivals, _frame(0, 1), 12.0)
    ledger.arrive(arrivals, _frame(2), 14.0)
    ledger.arrive(other, _frame(0, 1), 12.5)

    assert ledger.count([(arrivals, set()), (other, {0})], 12.0, 13.0) == 3


def test_equal_frames_are_kept_once_and_large_ones_apart(ledger: Ledger) -> None:
    arrivals = Arrivals()
    large = _frame(0) + bytes(20_000)
    for frame in (_frame(0), _frame(0), large, large):
        ledger.arrive(arrivals, frame, 12.0)

    assert list(arrivals.frames) == [0, 0, 1, 2]
    assert ledger.frame(1) == large
    assert ledger.seen(arrivals) == {0}


def test_a_receiver_is_complete_with_the_last_edit_it_lacked(ledger: Ledger) -> None:
    arrivals = Arrivals()
    ledger.arrive(arrivals, _frame(0), 12.0)
    assert ledger.completed(arrivals, {0, 2}) == math.inf

    ledger.arrive(arrivals, _frame(2), 13.0)
    ledger.arrive(arrivals, _frame(1), 14.0)

    assert ledger.completed(arrivals, {0, 2}) == 13.0
