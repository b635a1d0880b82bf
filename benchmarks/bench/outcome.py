"""What a run found."""

from dataclasses import dataclass, field

from benchmarks.bench.latencies import Latencies
from benchmarks.bench.measure import Window


@dataclass
class Outcome:
    """The figures of one run that converged.

    Attributes:
        figures: by name; the unit is the end of the name.
        latencies: the histograms behind them.
    """

    figures: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, Latencies] = field(default_factory=dict)

    def add_window(self, window: Window, edits: int) -> None:
        """Add what the server and the generator spent in a window in which `edits` were sent."""
        if window.server:
            self.figures["server CPU s per 1000 edits"] = window.server / edits * 1000
        self.figures["edits/s"] = edits / window.seconds
        self.add_spending(window)

    def add_spending(self, window: Window) -> None:
        """Add which part of its core the server (where that is known) and the generator used."""
        if window.server:
            self.figures["server CPU s"] = window.server
            self.figures["server load"] = window.server_load
        self.figures["generator load"] = window.generator_load

    def add_latencies(self, name: str, latencies: Latencies) -> None:
        """Add a histogram and its usual quantiles, in milliseconds."""
        self.latencies[name] = latencies
        for part in (0.5, 0.99, 0.999):
            self.figures[f"{name} p{100 * part:g} ms"] = latencies.quantile(part)
