"""A cluster under load, struck by a few kinds of faults; another commit, other kinds."""

import subprocess
from itertools import count
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.kinds import KINDS
from tests.faults.runs import run_until_it_counts

_RUNS = 2
_QUICK = [name for name, kind in KINDS.items() if kind.quick]


def _turn() -> int:
    """A number that changes with every commit; 0 where there is no repository."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, check=False)
    except FileNotFoundError:
        return 0
    return int(done.stdout.decode()[:12] or "0", 16)


def _chosen() -> list[tuple[str, int]]:
    """Kinds and seeds of this commit's runs."""
    turn = _turn()
    return [(_QUICK[(turn + number) % len(_QUICK)], turn // len(_QUICK) % 1000) for number in range(_RUNS)]


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "seed"), _chosen())
async def test_no_promise_is_broken(tmp_path: Path, kind: str, seed: int) -> None:
    folders = (tmp_path / str(number) for number in count())

    verdict, _ = await run_until_it_counts(
        lambda: Cluster(next(folders), KINDS[kind]), KINDS[kind].plan(kind, seed)
    )

    assert verdict.violations == []
    assert verdict.counts, verdict
    assert verdict.acknowledged > 0
