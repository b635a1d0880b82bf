"""`python -m tests.faults`: many fault runs, one verdict per JSON line."""

import asyncio
import itertools
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.server import ServerProcess
from tests.faults.cluster import Cluster
from tests.faults.history import History
from tests.faults.kinds import KINDS
from tests.faults.node import OneNode
from tests.faults.runs import Verdict, run_until_it_counts
from tests.faults.system import Clients, Pace, Plan, System

_CLIENTS: tuple[Clients, Clients] = ("cut off", "resume")
_PACES: tuple[Pace, Pace] = ("steady", "bursts")
_ONE_NODE = list(itertools.product(_CLIENTS, _PACES))
_SUMS = ("sent", "recorded", "acknowledged", "just_acknowledged", "in_flight", "seen")

NewSystem = Callable[[Path], System]
"""Makes a system that stores in a folder."""


def main(
    runs: Annotated[int, typer.Option(min=1, help="Runs; with --cluster, of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="The runs' seeds count up from here.")] = 0,
    output: Annotated[Path, typer.Option(help="Verdicts are appended here.")] = Path("fault-runs.jsonl"),
    cluster: Annotated[bool, typer.Option("--cluster", help="Three nodes, not one.")] = False,
    kinds: Annotated[str, typer.Option(help="Kinds of faults of a cluster, separated by semicolons.")] = "",
) -> None:
    """Strike under load, again and again. Ends with 1 if a run broke a promise or proved nothing."""
    plans = _of_cluster(kinds, runs, seed) if cluster else _of_one_node(runs, seed)
    done = bad = 0
    sums: dict[str, Counter[str]] = {}
    for verdict in _runs(plans):
        with output.open("a") as file:
            file.write(json.dumps(verdict.to_json()) + "\n")
        done += 1
        bad += bool(verdict.violations) or not verdict.counts
        group = verdict.plan.fault if cluster else verdict.plan.pace
        sums[group] = sums.get(group, Counter()) + Counter(_counts(verdict))
        typer.echo(_line(verdict))
    for group, counts in sums.items():
        typer.echo(f"{group}: {_listed(counts)}")
    typer.echo(f"all: {_listed(sum(sums.values(), Counter()))}")
    typer.echo(f"{done} runs, {bad} bad; verdicts in {output}")
    raise typer.Exit(1 if bad else 0)


def _of_one_node(runs: int, seed: int) -> Iterator[tuple[Plan, NewSystem]]:
    for number in range(runs):
        plan = Plan(seed + number, "kill -9", *_ONE_NODE[number % len(_ONE_NODE)])
        yield plan, lambda folder: OneNode(ServerProcess(folder))


def _of_cluster(names: str, runs: int, seed: int) -> Iterator[tuple[Plan, NewSystem]]:
    """Round by round, so that an early end leaves some of every kind."""
    chosen = [name.strip() for name in names.split(";") if name.strip()] or list(KINDS)
    if unknown := set(chosen) - set(KINDS):
        raise typer.BadParameter(f"{', '.join(unknown)}: the kinds are {'; '.join(KINDS)}")
    for number in range(runs):
        for name in chosen:
            yield KINDS[name].plan(name, seed + number), partial(Cluster, kind=KINDS[name])


def _runs(plans: Iterable[tuple[Plan, NewSystem]]) -> Iterator[Verdict]:
    for plan, new_system in plans:
        folder = Path(tempfile.mkdtemp(prefix="studyhub-fault-"))
        systems = (new_system(folder / str(number)) for number in itertools.count())
        verdict, history = asyncio.run(run_until_it_counts(partial(next, systems), plan))
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
    plan, intervals = verdict.plan, verdict.unrecorded
    found = f"{len(verdict.violations)} BROKEN" if verdict.violations else "kept"
    return (
        f"{plan.fault}, clients {plan.clients}, {plan.pace}, seed {plan.seed}: {found}; "
        f"at the fault {_listed(_counts(verdict))}; in all {verdict.total} sent; "
        f"{len(intervals)} unrecorded intervals, {max(intervals, default=0.0):.1f} s at most, "
        f"{verdict.excused} seen in them alone; {verdict.absence:.1f} s without a server at most; "
        f"{verdict.growth >> 20} MiB more memory"
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
