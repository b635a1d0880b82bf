"""The cost model finds the law behind the points."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bench.model import LOAD, Model, fit, plots, sentences


@given(factor=st.floats(0.001, 100), power=st.floats(-1, 2))
def test_a_power_law_is_found_from_its_points(factor: float, power: float) -> None:
    curve = fit("people", "cost", {x: factor * x**power for x in (1.0, 10.0, 100.0)})

    assert curve.factor == pytest.approx(factor)
    assert curve.power == pytest.approx(power, abs=1e-6)
    assert curve.at(50) == pytest.approx(factor * 50**power)


def test_the_law_says_how_many_a_core_carries() -> None:
    model = Model((fit("people in a room", LOAD, {10.0: 0.07, 100.0: 0.7}),), 20.0, 0.0)

    said = list(sentences(model))

    assert "a core at 70% carries 100 people in a room" in said
    assert "1 GB holds 50,000 connections in one document" in said
    assert not any("a document each" in line for line in said)
    assert plots(model).count("<polyline") == 2


def test_what_does_not_grow_has_no_end() -> None:
    assert fit("documents", LOAD, {1.0: 0.5, 10.0: 0.4}).reaches(0.7) == math.inf


def test_too_few_points_are_no_law() -> None:
    with pytest.raises(ValueError, match="too little"):
        fit("documents", LOAD, {1.0: 0.0, 10.0: 0.4})
