"""`python -m tests.faults`: many fault runs, one verdict per JSON line."""

import asyncio
import itertools
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.server import ServerProcess
from tests.faults.history import History
from tests.faults.node import OneNode
from tests.faults.runs import Verdict, run_until_it_counts
from tests.faults.system import Clients, Pace, Plan

_CLIENTS: tuple[Clients, Clients] = ("cut off", "resume")
_PACES: tuple[Pace, Pace] = ("steady", "bursts")
_KINDS = list(itertools.product(_CLIENTS, _PACES))
_SUMS = ("sent", "recorded", "acknowledged", "just_acknowledged", "in_flight", "seen")


def main(
    runs: Annotated[int, typer.Option(min=1, help="Runs, a quarter of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="The runs' seeds count up from here.")] = 0,
    output: Annotated[Path, typer.Option(help="Verdicts are appended here.")] = Path("fault-runs.jsonl"),
) -> None:
    """Kill the server under load, again and again. Ends with 1 if a run broke a promise or proved nothing."""
    bad = 0
    sums: dict[Pace, Counter[str]] = {pace: Counter() for pace in _PACES}
    for verdict in _runs(runs, seed):
        with output.open("a") as file:
            file.write(json.dumps(verdict.to_json()) + "\n")
        bad += bool(verdict.violations) or not verdict.counts
        sums[verdict.plan.pace] += Counter(_counts(verdict))
        typer.echo(_line(verdict))
    for pace, counts in sums.items():
        typer.echo(f"{pace}: {_listed(counts)}")
    typer.echo(f"all: {_listed(sum(sums.values(), Counter()))}")
    typer.echo(f"{runs} runs, {bad} bad; verdicts in {output}")
    raise typer.Exit(1 if bad else 0)


def _runs(runs: int, seed: int) -> Iterator[Verdict]:
    for number in range(runs):
        folder = Path(tempfile.mkdtemp(prefix="studyhub-fault-"))
        tries = itertools.count()
        plan = Plan(seed + number, "kill -9", *_KINDS[number % len(_KINDS)])
        verdict, history = asyncio.run(
            run_until_it_counts(lambda: OneNode(ServerProcess(folder / str(next(tries)))), plan)  # noqa: B023 - called before the next run
        )
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
    plan = verdict.plan
    found = f"{len(verdict.violations)} BROKEN" if verdict.violations else "kept"
    return (
        f"{plan.fault}, clients {plan.clients}, {plan.pace}, seed {plan.seed}: {found}; "
        f"at the fault {_listed(_counts(verdict))}"
    )


def _counts(verdict: Verdict) -> dict[str, int]:
    return {name: getattr(verdict, name) for name in _SUMS}


def _listed(counts: dict[str, int]) -> str:
    return (
        "{sent} sent, {recorded} recorded, {acknowledged} acknowledged ({just_acknowledged} in the last "
        "100 ms), {in_flight} in flight, {seen} seen"
    ).format_map(Counter(counts))


if __name__ == "__main__":
    typer.run(main)
