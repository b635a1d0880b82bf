"""Quantiles are those of the times, but for the rounding."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bench.latencies import Latencies

_TIMES = st.lists(st.floats(0, 100), min_size=1, max_size=200)


@given(times=_TIMES, part=st.floats(0, 1))
def test_a_quantile_is_within_a_hundredth_of_the_exact_one(times: list[float], part: float) -> None:
    found = Latencies()
    found.add(times)

    exact = sorted(times)[max(1, math.ceil(part * len(times))) - 1] * 1000
    assert found.quantile(part) == pytest.approx(exact, rel=0.01, abs=0.001)


@given(_TIMES, _TIMES)
def test_merged_histograms_are_that_of_all_times(some: list[float], others: list[float]) -> None:
    together, one, other = Latencies(), Latencies(), Latencies()
    together.add([*some, *others])
    one.add(some)
    other.add(others)

    one.merge(other)

    assert one.to_json() == together.to_json()
    assert len(one) == len(some) + len(others)
    assert Latencies(one.to_json()).to_json() == one.to_json()


def test_without_times_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no times"):
        Latencies().quantile(0.5)
