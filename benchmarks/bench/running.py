"""Starts servers and generators: the server on the first core, the generator on the last one."""

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.machine import cores, on_core
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.target import Target
from benchmarks.server import ServerProcess


@contextlib.contextmanager
def own_server(*, echo_presence: bool = False, **environment: str) -> Iterator[Target]:
    """StudyHub as it is installed here, with its data in a folder of its own. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as data:
        server = ServerProcess(Path(data), **environment)
        core = cores()[0]

        def start() -> None:
            with on_core(core):
                server.start()

        def restart() -> None:
            server.stop()
            start()

        start()
        try:
            yield Target("studyhub", server.url, DIALECTS["studyhub"], (server.pid,), restart, echo_presence)
        finally:
            server.stop()


def generate(scenario: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run a scenario on the generator's core."""
    with on_core(cores()[1]), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(scenario)
