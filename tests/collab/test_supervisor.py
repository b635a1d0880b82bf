"""The supervisor of several nodes; `tests/cluster/test_workers.py` runs real ones."""

import asyncio
import signal
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


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> supervisor._Node:
    """A node that serves at once, writes down that it was started, and does not listen to SIGTERM."""
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\n"
        "print('StudyHub ready: here', flush=True); time.sleep(60)"
    )
    monkeypatch.setattr(supervisor, "_COMMAND", (sys.executable, "-c", script))
    node = supervisor._Node(1, Settings(data=tmp_path), 1)
    node._patience = 0.1
    return node


async def test_a_node_that_does_not_end_is_killed(stubborn: supervisor._Node) -> None:
    await stubborn.start()

    assert await stubborn.stop() == -signal.SIGKILL


async def test_a_death_and_a_restart_at_once_start_one_node(
    stubborn: supervisor._Node, tmp_path: Path
) -> None:
    await asyncio.gather(stubborn.start(), stubborn.start())
    await stubborn.stop()

    assert (tmp_path / "starts").read_text() == "x"
