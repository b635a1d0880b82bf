"""Who guesses waits longer and longer."""

import pytest

from collab.accounts.throttle import Throttle
from collab.auth.rates import TooOften


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def wait(throttle: Throttle, key: str = "ann") -> int:
    """Seconds to wait; 0 where the attempt counts."""
    try:
        throttle.spend(key)
    except TooOften as error:
        return error.retry_after
    return 0


def test_waits_double_up_to_the_longest() -> None:
    time = Time()
    throttle = Throttle(3, 10, clock=time)
    throttle.spend("ann")
    throttle.spend("ann")
    waits = []
    for _ in range(6):
        throttle.spend("ann")
        waits.append(wait(throttle))
        time.now += waits[-1]

    assert waits == [1, 2, 4, 8, 10, 10]


def test_a_wait_is_not_made_longer_by_trying() -> None:
    time = Time()
    throttle = Throttle(1, 10, clock=time)
    throttle.spend("ann")

    assert [wait(throttle) for _ in range(100)] == [1] * 100


def test_keys_do_not_wait_for_each_other() -> None:
    throttle = Throttle(1, 10, clock=Time())
    throttle.spend("ann")

    assert wait(throttle, "ann") == 1
    assert wait(throttle, "ben") == 0


def test_who_proved_who_they_are_begins_anew_and_a_refund_takes_one_back() -> None:
    time = Time()
    throttle = Throttle(2, 10, clock=time)
    for _ in range(10):
        throttle.spend("ann")
        throttle.refund("ann")
    throttle.spend("ben")
    throttle.spend("ben")
    throttle.forget("ben")

    assert wait(throttle, "ann") == 0
    assert wait(throttle, "ben") == 0


def test_attempts_are_forgotten_after_an_hour() -> None:
    time = Time()
    throttle = Throttle(2, 10, clock=time)
    wait(throttle)
    time.now = 3601
    wait(throttle)

    assert wait(throttle) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, 10, size=100, clock=Time())
    for n in range(1000):
        throttle.spend(f"key {n}")

    assert len(throttle._attempts) == 100
    assert wait(throttle, "key 999") == 1


@pytest.mark.parametrize("key", ["", "\ud800", "x" * 100_000])
def test_any_text_is_a_key(key: str) -> None:
    throttle = Throttle(1, 10, clock=Time())
    throttle.spend(key)

    assert wait(throttle, key) == 1
