"""What a series of runs found, as a file: everything that tables, plots and RESULTS.md are made from."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench.latencies import Latencies
from benchmarks.bench.machine import describe
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.peers import FOLDER, SERVERS
from benchmarks.bench.running import Run

_PACKAGES = ("studyhub", "pycrdt", "starlette", "uvicorn", "uvloop", "httptools", "websockets")


@dataclass(frozen=True)
class Report:
    """Runs, and where they were made.

    Attributes:
        machine, versions: name to what it is.
        date: of the end, UTC, ISO 8601.
        command: that made the runs.
        profile: of sizes.
    """

    machine: dict[str, str]
    versions: dict[str, str]
    date: str
    command: str
    profile: str
    runs: list[Run]

    @property
    def scenarios(self) -> list[str]:
        """In the order of the runs."""
        return list(dict.fromkeys(run.scenario for run in self.runs))

    def servers(self, scenario: str) -> list[str]:
        """Those that were measured in a scenario, the first one is what others are compared with."""
        return list(dict.fromkeys(run.server for run in self.runs if run.scenario == scenario))

    def outcomes(self, scenario: str, server: str) -> list[Outcome]:
        """Of the runs that did not fail."""
        return [
            run.outcome
            for run in self.runs
            if run.outcome is not None and (run.scenario, run.server) == (scenario, server)
        ]

    def failures(self, scenario: str, server: str) -> list[str]:
        """Why runs failed."""
        return [
            run.failure
            for run in self.runs
            if run.outcome is None and (run.scenario, run.server) == (scenario, server)
        ]

    def figures(self, scenario: str) -> list[str]:
        """The names of all figures of a scenario."""
        found = [self.outcomes(scenario, server) for server in self.servers(scenario)]
        return list(dict.fromkeys(name for outcomes in found for one in outcomes for name in one.figures))

    def values(self, scenario: str, server: str, figure: str) -> list[float]:
        """A figure, of each run that has it."""
        outcomes = self.outcomes(scenario, server)
        return [outcome.figures[figure] for outcome in outcomes if figure in outcome.figures]

    def median(self, scenario: str, server: str, figure: str) -> float | None:
        """The middle one of the runs, None without any."""
        values = self.values(scenario, server, figure)
        return median(values) if values else None

    def latencies(self, scenario: str, server: str, name: str) -> Latencies:
        """One histogram of all runs together."""
        together = Latencies()
        for outcome in self.outcomes(scenario, server):
            if name in outcome.latencies:
                together.merge(outcome.latencies[name])
        return together

    def to_json(self) -> str:
        """The file."""
        return json.dumps({**vars(self), "runs": [_run_to_json(run) for run in self.runs]}, indent=1)


def make_report(command: str, profile: str, runs: Iterable[Run]) -> Report:
    """The report of `runs` that were made here and now."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(describe(), _versions(), date, command, profile, list(runs))


def read_report(path: Path) -> Report:
    """A report from its file. Raises OSError, or ValueError or KeyError for another file."""
    raw = json.loads(path.read_text())
    return Report(**{**raw, "runs": [_run_from_json(run) for run in raw["runs"]]})


def join_reports(reports: Sequence[Report]) -> Report:
    """Series that were made one after the other on one machine, as one. Raises ValueError for others."""
    first, last = reports[0], reports[-1]
    if any(
        (one.machine, one.versions, one.profile) != (last.machine, last.versions, last.profile)
        for one in reports
    ):
        raise ValueError("these series come from different machines, versions or sizes")
    commands = "; ".join(one.command for one in reports)
    return replace(first, date=last.date, command=commands, runs=[run for one in reports for run in one.runs])


def _run_to_json(run: Run) -> dict[str, Any]:
    found = {**vars(run), "outcome": None}
    if run.outcome is not None:
        histograms = {name: taken.to_json() for name, taken in run.outcome.latencies.items()}
        found["outcome"] = {"figures": run.outcome.figures, "microseconds": histograms}
    return found


def _run_from_json(raw: dict[str, Any]) -> Run:
    outcome = None
    if raw["outcome"] is not None:
        histograms = {
            name: Latencies({int(value): count for value, count in counts.items()})
            for name, counts in raw["outcome"]["microseconds"].items()
        }
        outcome = Outcome(raw["outcome"]["figures"], histograms)
    return Run(**{**raw, "outcome": outcome})


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if node := shutil.which("node"):
        found["node"] = subprocess.run((node, "--version"), capture_output=True, text=True).stdout.strip()
    peers = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    for folder in SERVERS.parent.glob("lib/python*/site-packages/pycrdt_websocket-*.dist-info"):
        peers["pycrdt-websocket"] = folder.stem.rpartition("-")[2]
    return {**found, **peers}
