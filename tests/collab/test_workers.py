"""Worker processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collab.workers import WorkerDied, Workers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


async def test_a_job_runs_in_another_process(workers: Workers) -> None:
    assert await workers.run(os.getpid) != os.getpid()


async def test_what_a_job_raises_comes_back(workers: Workers) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await workers.run(int, "x")


async def test_a_deadly_job_takes_no_other_job_with_it(workers: Workers) -> None:
    await workers.run(os.getpid)
    deadly = asyncio.create_task(workers.run(os._exit, 1))
    honest = asyncio.create_task(workers.run(abs, -1))
    with pytest.raises(WorkerDied):
        await deadly

    assert await honest == 1
    assert await workers.run(abs, -2) == 2


async def test_a_job_that_waits_is_finished_by_a_worker_that_is_replaced(workers: Workers) -> None:
    await workers.run(os.getpid)
    jobs = [asyncio.create_task(workers.run(time.sleep, 0.1)) for _ in range(4)]
    await asyncio.sleep(0.05)
    workers.replace()

    assert await asyncio.gather(*jobs) == [None] * 4


async def test_a_worker_ends_with_its_server(tmp_path: Path) -> None:
    """Also when the server had no chance to say so."""
    script = (
        "import asyncio, os, time\n"
        "from collab.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    print(asyncio.run(Workers().run(os.getpid)), flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = tmp_path / "server.py"
    path.write_text(script)
    root = Path(__file__).parent.parent.parent
    command = (sys.executable, str(path))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    ) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        server.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _lives(worker) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)

    assert not _lives(worker)


def _lives(process: int) -> bool:
    """Whether it runs; one that has ended and was not waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
