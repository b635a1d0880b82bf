"""What a student costs, and how that grows: a power law through measured points for each thing that grows."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from statistics import linear_regression

from benchmarks.bench import svg
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.running import generate
from benchmarks.bench.scenarios import SCENARIOS
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target

COST = "server CPU s per 1000 edits"
LOAD = "server load"


@dataclass(frozen=True)
class Curve:
    """Points (x, y), both above 0, and y = factor * x ** power through them.

    Attributes:
        grows: what x is.
        figure: what y is.
    """

    grows: str
    figure: str
    points: tuple[tuple[float, float], ...]
    factor: float
    power: float

    def at(self, x: float) -> float:
        """What the law says."""
        return float(self.factor * x**self.power)

    def reaches(self, y: float) -> float:
        """Where the law says `y`; infinity where it does not grow."""
        return (y / self.factor) ** (1 / self.power) if self.power > 0 else math.inf


@dataclass(frozen=True)
class Model:
    """All curves, and what a connection takes in memory (kilobytes)."""

    curves: tuple[Curve, ...]
    shared_kilobytes: float
    own_kilobytes: float


def fit(grows: str, figure: str, points: Mapping[float, float]) -> Curve:
    """Least squares over the logarithms. Raises ValueError with fewer than two points above 0."""
    kept = [(x, y) for x, y in points.items() if x > 0 and y > 0]
    if len(kept) < 2:
        raise ValueError(f"{figure} by {grows}: too little was measured")
    power, offset = linear_regression([math.log(x) for x, _ in kept], [math.log(y) for _, y in kept])
    return Curve(grows, figure, tuple(kept), math.exp(offset), power)


Start = Callable[[], AbstractContextManager[Target]]


def measure(
    start: Start, sizes: Sizes, clusters: Mapping[int, Start], begin: Callable[[str], object]
) -> Model:
    """Measure all points; `clusters`: number of nodes to what starts them. `begin` is told what comes.

    Raises what a run may raise, or ValueError where too little came out.
    """

    def run(name: str, changed: Sizes, starts: Start = start) -> Outcome:
        begin(name)
        with starts() as target:
            return generate(SCENARIOS[name], target, changed)

    rooms = {x: run("classroom", replace(sizes, classroom=x)) for x in sizes.model_rooms}
    long = {x: run("classroom", replace(sizes, classroom_bytes=x)) for x in sizes.model_bytes}
    joins = {x: run("join", replace(sizes, paper_bytes=x)) for x in sizes.model_bytes}
    many = {x: run("many-docs", _documents(sizes, x)) for x in sizes.model_documents}
    nodes = {x: run("nodes", sizes, starts) for x, starts in clusters.items()}
    curves = [
        *(_curve("people in a room", COST, rooms), _curve("people in a room", LOAD, rooms)),
        *(_curve("bytes of the document", COST, long), _curve("bytes of the document", "join p50 ms", joins)),
        *(_curve("documents", COST, many), _curve("documents", LOAD, many)),
    ]
    if nodes:
        curves.append(_curve("nodes", COST, nodes))
    shared, own = run("idle", sizes).figures, run("idle-documents", sizes).figures
    return Model(
        tuple(curves),
        shared["KB per connection, one document"],
        own["KB per connection, a document each"],
    )


def _documents(sizes: Sizes, count: int) -> Sizes:
    """Each document as busy as in `many-docs`."""
    return replace(sizes, documents=count, edits_rate=sizes.edits_rate / sizes.documents * count)


def _curve(grows: str, figure: str, outcomes: Mapping[int, Outcome]) -> Curve:
    return fit(grows, figure, {x: found.figures.get(figure, 0.0) for x, found in outcomes.items()})


def sentences(model: Model, busy: float = 0.7) -> Iterator[str]:
    """What the model says, for a core that is used up to `busy`."""
    for curve in model.curves:
        yield f"{curve.figure} = {curve.factor:.3g} x ({curve.grows}) ^ {curve.power:.2f}"
        if curve.figure == LOAD:
            yield f"a core at {busy:.0%} carries {curve.reaches(busy):,.0f} {curve.grows}"
    for name, kilobytes in (
        ("in one document", model.shared_kilobytes),
        ("with a document each", model.own_kilobytes),
    ):
        if kilobytes > 0:
            yield f"1 GB holds {1e6 / kilobytes:,.0f} connections {name}"


def plots(model: Model) -> str:
    """All curves as SVG, points and law."""
    return "\n".join(
        svg.curves(
            f"{curve.figure} by {curve.grows}",
            curve.grows,
            curve.figure,
            {"measured": curve.points, f"x ^ {curve.power:.2f}": _law(curve)},
            logarithmic=True,
        )
        for curve in model.curves
    )


def _law(curve: Curve) -> list[tuple[float, float]]:
    low, high = min(curve.points)[0], max(curve.points)[0]
    return [(x, curve.at(x)) for x in (low * (high / low) ** (step / 40) for step in range(41))]
