"""`python -m tests.faults`: many fault runs, one verdict per JSON line."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tests.faults.history import History
from tests.faults.runs import Kind, Verdict, run_until_it_counts


def main(
    runs: Annotated[int, typer.Option(min=1, help="Runs, half of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="The runs' seeds count up from here.")] = 0,
    output: Annotated[Path, typer.Option(help="Verdicts are appended here.")] = Path("fault-runs.jsonl"),
) -> None:
    """Kill the server under load, again and again. Ends with 1 if a run broke a promise or proved nothing."""
    bad = 0
    for verdict in _runs(runs, seed):
        with output.open("a") as file:
            file.write(json.dumps(verdict.to_json()) + "\n")
        bad += bool(verdict.violations) or not verdict.counts
        typer.echo(_line(verdict))
    typer.echo(f"{runs} runs, {bad} bad; verdicts in {output}")
    raise typer.Exit(1 if bad else 0)


def _runs(runs: int, seed: int) -> Iterator[Verdict]:
    kinds: tuple[Kind, Kind] = ("cut off", "resume")
    for number in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="studyhub-fault-"))
        verdict, history = asyncio.run(run_until_it_counts(folder / "data", seed + number, kinds[number % 2]))
        yield verdict
        if verdict.violations:
            _keep(folder, history)
        else:
            shutil.rmtree(folder)


def _keep(folder: Path, history: History) -> None:
    with (folder / "history.jsonl").open("w") as file:
        history.write(file)
    typer.echo(f"data and history are in {folder}")


def _line(verdict: Verdict) -> str:
    found = f"{len(verdict.violations)} BROKEN" if verdict.violations else "kept"
    return (
        f"{verdict.kind:8} seed {verdict.seed}: {found}; at the fault {verdict.sent} sent, "
        f"{verdict.recorded} recorded, {verdict.acknowledged} acknowledged "
        f"({verdict.just_acknowledged} in the last 100 ms), {verdict.in_flight} in flight, "
        f"{verdict.seen} seen"
    )


if __name__ == "__main__":
    typer.run(main)
