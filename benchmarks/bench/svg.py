"""Plots as SVG: bars, and curves over logarithmic or linear axes. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 560, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 30, 40
_BAR, _GAP, _NAME = 18, 8, 150
_COLOURS = ("#2F5BEA", "#C2410C", "#0F766E", "#A21CAF", "#7A5C00", "#475569")

Points = Sequence[tuple[float, float]]


def bars(title: str, values: Mapping[str, tuple[float, float, float]]) -> str:
    """Horizontal bars: name to (median, least, most), the span as a line."""
    height = _TOP + len(values) * (_BAR + _GAP)
    largest = max(most for _, _, most in values.values()) or 1.0
    scale = (_WIDTH - _NAME - 90) / largest
    parts = [_text(8, 18, title, weight="bold")]
    for row, (name, (middle, least, most)) in enumerate(values.items()):
        y = _TOP + row * (_BAR + _GAP)
        colour = _COLOURS[row % len(_COLOURS)]
        parts.append(_text(_NAME - 6, y + 13, name, anchor="end"))
        parts.append(
            f'<rect x="{_NAME}" y="{y}" width="{middle * scale:.1f}" height="{_BAR}" fill="{colour}"/>'
        )
        x1, x2, middle_y = _NAME + least * scale, _NAME + most * scale, y + _BAR / 2
        parts.append(f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{middle_y}" y2="{middle_y}" stroke="#111"/>')
        parts.append(_text(x2 + 6, y + 13, f"{middle:.4g}"))
    return _frame(parts, height)


def curves(
    title: str, x_name: str, y_name: str, lines: Mapping[str, Points], *, logarithmic: bool = False
) -> str:
    """Lines through points, by name; `logarithmic`: both axes. Lines without points are left out."""
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    x_axis = _axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT, logarithmic)
    y_axis = _axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP, logarithmic)
    parts = [_text(8, 18, title, weight="bold"), *_draw(x_axis, y_axis, x_name, y_name)]
    for row, (name, line) in enumerate((name, line) for name, line in lines.items() if line):
        colour = _COLOURS[row % len(_COLOURS)]
        path = " ".join(f"{x_axis.place(x):.1f},{y_axis.place(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT + 10, _TOP + 14 + 15 * row, name, colour=colour))
    return _frame(parts, _HEIGHT)


@dataclass(frozen=True)
class _Axis:
    """Values from `low` to `high` on the line from `start` to `end`, pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def place(self, value: float) -> float:
        low, high, at = (self._scale(each) for each in (self.low, self.high, value))
        return self.start + (at - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if not self.logarithmic:
            return [self.low + part * (self.high - self.low) for part in (0, 0.25, 0.5, 0.75, 1)]
        powers = range(math.floor(self._scale(self.low)), math.ceil(self._scale(self.high)) + 1)
        found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        return [tick for tick in found if self.low <= tick <= self.high][:: 1 + len(powers) // 4]

    def _scale(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.logarithmic else value


def _axis(values: Sequence[float], start: float, end: float, logarithmic: bool) -> _Axis:
    above = [value for value in values if value > 0] or [1.0]
    return _Axis(min(above) if logarithmic else 0.0, max(above), start, end, logarithmic)


def _draw(x: _Axis, y: _Axis, x_name: str, y_name: str) -> Iterator[str]:
    yield f'<path d="M{_LEFT} {_TOP}V{y.start}H{x.end}" fill="none" stroke="#888"/>'
    for tick in y.ticks():
        yield _text(_LEFT - 6, y.place(tick) + 4, f"{tick:,.3g}", anchor="end")
    for tick in x.ticks():
        yield _text(x.place(tick), y.start + 15, f"{tick:,.6g}", anchor="middle")
    yield _text(x.end, y.start + 32, x_name, anchor="end")
    yield _text(x.end, 18, y_name, anchor="end")


def _frame(parts: Sequence[str], height: float) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(parts)}</svg>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#111", weight: str = "normal"
) -> str:
    style = f'font-family="sans-serif" font-size="12" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(text)}</text>'
