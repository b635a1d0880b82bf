"""kill -9 of the server under load: what was acknowledged or seen is there afterwards, exactly once."""

from pathlib import Path

import pytest

from tests.faults.runs import Kind, run_until_it_counts

RUNS: list[tuple[Kind, int]] = [("cut off", 1), ("cut off", 2), ("cut off", 3), ("resume", 4), ("resume", 5)]


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "seed"), RUNS)
async def test_no_promise_is_broken_when_the_server_is_killed(tmp_path: Path, kind: Kind, seed: int) -> None:
    verdict, _ = await run_until_it_counts(tmp_path / "data", seed, kind)

    assert verdict.violations == []
    assert verdict.counts, verdict
    assert verdict.acknowledged > 0
