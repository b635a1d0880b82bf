"""The supervisor of several nodes; `tests/cluster/test_workers.py` runs real ones."""

import asyncio
import sys
from pathlib import Path

import pytest

from collab import supervisor
from collab.errors import StartError
from collab.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> supervisor._Node:
    """A node that takes long to start."""
    command = (sys.executable, "-c", "import time; print('started', flush=True); time.sleep(60)")
    monkeypatch.setattr(supervisor, "_COMMAND", command)
    return supervisor._Node(1, Settings(data=tmp_path), 1)


async def test_a_node_that_is_stopped_while_it_starts_ends_well(
    sleeper: supervisor._Node, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    start = asyncio.create_task(sleeper.start())
    while b"started" not in capfdbinary.readouterr().out:
        await asyncio.sleep(0.01)

    assert await sleeper.stop() == 0
    with pytest.raises(StartError):
        await start
