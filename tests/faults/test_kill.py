"""Faults of one server under load: what was acknowledged or seen is there afterwards, exactly once."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.server import ServerProcess
from tests.faults.node import OneNode
from tests.faults.runs import run_until_it_counts
from tests.faults.system import Plan

KILLS = [
    Plan(1, "kill -9", "cut off", "steady"),
    Plan(2, "kill -9", "cut off", "bursts"),
    Plan(3, "kill -9", "cut off", "bursts"),
    Plan(4, "kill -9", "resume", "steady"),
    Plan(5, "kill -9", "resume", "bursts"),
]


def _nodes(folder: Path) -> Callable[[], OneNode]:
    """Makes nodes, each with an empty folder."""
    numbers = itertools.count()
    return lambda: OneNode(ServerProcess(folder / str(next(numbers))))


@pytest.mark.anyio
@pytest.mark.parametrize("plan", KILLS, ids=lambda plan: f"{plan.clients}, {plan.pace}, {plan.seed}")
async def test_no_promise_is_broken_when_the_server_is_killed(tmp_path: Path, plan: Plan) -> None:
    verdict, _ = await run_until_it_counts(_nodes(tmp_path), plan)

    assert verdict.violations == []
    assert verdict.counts, verdict
    assert verdict.acknowledged > 0


@pytest.mark.anyio
async def test_no_promise_is_broken_when_the_server_stands_still(tmp_path: Path) -> None:
    plan = Plan(6, "SIGSTOP", "resume", "bursts", hold=1.0)

    verdict, _ = await run_until_it_counts(_nodes(tmp_path), plan)

    assert verdict.violations == []
    assert verdict.counts, verdict
