"""Plots put values where they belong and are well-formed."""

import xml.etree.ElementTree as Xml

import pytest

from benchmarks.bench import svg


def _points(plot: str) -> list[tuple[float, float]]:
    line = next(Xml.fromstring(plot).iter("{http://www.w3.org/2000/svg}polyline"))
    pairs = (pair.split(",") for pair in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


@pytest.mark.parametrize("logarithmic", [False, True])
def test_more_is_further_right_and_higher(logarithmic: bool) -> None:
    plot = svg.curves("cost", "people", "s", {"a <b>": [(1, 1), (10, 2), (100, 4)]}, logarithmic=logarithmic)

    (x1, y1), (x2, y2), (x3, y3) = _points(plot)
    assert x1 < x2 < x3
    assert y1 > y2 > y3  # SVG counts downwards


def test_a_power_law_is_a_straight_line_on_logarithmic_axes() -> None:
    (x1, y1), (x2, y2), (x3, y3) = _points(
        svg.curves("", "", "", {"law": [(x, 3 * x**0.5) for x in (1, 10, 100)]}, logarithmic=True)
    )

    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)


def test_bars_are_as_long_as_their_values() -> None:
    plot = Xml.fromstring(svg.bars("cost", {"a": (1.0, 0.5, 2.0), "b": (4.0, 4.0, 4.0)}))

    one, other = (float(bar.attrib["width"]) for bar in plot.iter("{http://www.w3.org/2000/svg}rect"))
    assert other == pytest.approx(4 * one, abs=0.5)


def test_without_points_there_is_no_plot() -> None:
    assert svg.curves("", "", "", {"a": []}) == ""
