"""`studyhub serve --workers 3` under typing clients: nodes die, are replaced, and are restarted in turn."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.server import ServerProcess
from tests.faults.checker import check, check_strays
from tests.faults.history import History
from tests.faults.load import Load
from tests.faults.runs import fresh
from tests.servers import Valkey

pytestmark = pytest.mark.anyio


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[ServerProcess]:
    with Valkey(tmp_path / "valkey") as valkey:
        settings = {"STUDYHUB_WORKERS": "3", "STUDYHUB_REDIS_URL": valkey.url}
        server = ServerProcess(tmp_path / "data", **settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _nodes(supervisor: ServerProcess) -> list[int]:
    """The process ids of its nodes."""
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text()
    return [int(child) for child in children.split()]


async def _all_new(supervisor: ServerProcess, old: set[int]) -> None:
    """Wait until three nodes run that are none of the old ones; the test's timeout is the bound."""
    while len(set(_nodes(supervisor)) - old) < 3:
        await asyncio.sleep(0.1)


async def test_nothing_is_lost_when_a_node_is_killed_and_when_all_restart(supervisor: ServerProcess) -> None:
    """Every edit that was sent is there in the end, and the command ends well."""
    history = History()
    load = Load([supervisor.url], history, 33, documents=2, writers=3, rate=10, retries=True)
    await load.start()
    nodes = _nodes(supervisor)

    os.kill(nodes[0], signal.SIGKILL)
    await _all_new(supervisor, {nodes[0]})
    running = set(_nodes(supervisor))
    os.kill(supervisor.pid, signal.SIGHUP)
    await _all_new(supervisor, running)
    await load.finish()
    await load.agree()
    contents = await fresh(supervisor.url, load.documents)
    await load.stop()

    assert check_strays(history) == []
    assert check(history, contents, "a fresh client", complete=True) == []
    await asyncio.to_thread(supervisor.stop)
    assert supervisor.status == 0
