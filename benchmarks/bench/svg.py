"""Plots as SVG: bars, and curves over logarithmic or linear axes. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
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
    """Lines through points, by name; `logarithmic` is about x. Lines without points are left out."""
    lines = {name: points for name, points in lines.items() if points}
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    if not xs:
        return ""
    place = _Axes(min(xs), max(xs), max(ys), logarithmic)
    parts = [_text(8, 18, title, weight="bold"), *place.draw(x_name, y_name)]
    for row, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[row % len(_COLOURS)]
        path = " ".join(f"{place.x(x):.1f},{place.y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_LEFT + 10, _TOP + 14 + 15 * row, name, colour=colour))
    return _frame(parts, _HEIGHT)


class _Axes:
    def __init__(self, low: float, high: float, top: float, logarithmic: bool) -> None:
        self._scale = (lambda x: math.log10(max(x, 1e-6))) if logarithmic else float
        self._logarithmic = logarithmic
        self._low, self._high, self._top = low, high, top or 1.0

    def x(self, value: float) -> float:
        low, high = self._scale(self._low), self._scale(self._high)
        return _LEFT + (self._scale(value) - low) / ((high - low) or 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self._top * (_HEIGHT - _TOP - _BOTTOM)

    def draw(self, x_name: str, y_name: str) -> Iterator[str]:
        bottom = _HEIGHT - _BOTTOM
        yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}" fill="none" stroke="#888"/>'
        for part in (0.25, 0.5, 0.75, 1.0):
            yield _text(_LEFT - 6, self.y(part * self._top) + 4, f"{part * self._top:.3g}", anchor="end")
        for tick in self._ticks():
            yield _text(self.x(tick), bottom + 15, f"{tick:.3g}", anchor="middle")
        yield _text(_WIDTH - _RIGHT, bottom + 32, x_name, anchor="end")
        yield _text(_WIDTH - _RIGHT, 18, y_name, anchor="end")

    def _ticks(self) -> list[float]:
        if not self._logarithmic:
            return [self._low + part * (self._high - self._low) for part in (0, 0.25, 0.5, 0.75, 1)]
        powers = range(math.ceil(self._scale(self._low)), math.floor(self._scale(self._high)) + 1)
        return [10.0**power for power in powers]


def _frame(parts: Sequence[str], height: float) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(parts)}</svg>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#111", weight: str = "normal"
) -> str:
    style = f'font-family="sans-serif" font-size="12" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(text)}</text>'
