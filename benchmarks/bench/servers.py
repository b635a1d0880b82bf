"""StudyHub itself, and every server that can be named on the command line."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from benchmarks.bench import peers
from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.machine import cores, on_core
from benchmarks.bench.target import Target
from benchmarks.server import ServerProcess

Contender = Callable[[], AbstractContextManager[Target]]
"""Starts a server, and ends it when the context is left."""

OWN = "studyhub"
"""The name of ours."""


@contextlib.contextmanager
def own_server(nodes: int = 1, *, name: str = OWN, **environment: str) -> Iterator[Target]:
    """StudyHub as it is installed here, with its data in a folder of its own. Raises RuntimeError.

    Several nodes need STUDYHUB_REDIS_URL in `environment`; all share one core.
    """
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studyhub-bench-")))
        servers = [ServerProcess(data, **environment) for _ in range(nodes)]
        for server in servers:
            stack.callback(server.stop)

        def start() -> None:
            with on_core(cores()[0]):
                for server in servers:
                    server.start()

        def restart() -> None:
            for server in servers:
                server.stop()
            start()

        start()
        urls, pids = tuple(server.url for server in servers), tuple(server.pid for server in servers)
        yield Target(name, urls, DIALECTS["studyhub"], pids, restart)


@contextlib.contextmanager
def foreign_server(url: str, dialect: str, pid: int | None) -> Iterator[Target]:
    """A server that runs already; without `pid` its processor time and memory are not known."""
    pids = () if pid is None else (pid,)
    yield Target(url, (url,), DIALECTS[dialect], pids)


def contenders() -> dict[str, Contender]:
    """StudyHub and all peers, by name. Raises PeerError when they cannot be installed."""
    peers.install()
    return {OWN: own_server, **{name: partial(peers.running, peer) for name, peer in peers.PEERS.items()}}


def clusters(redis_url: str) -> dict[str, Contender]:
    """One to three nodes on one Redis."""
    names = {1: "1 node", 2: "2 nodes", 3: "3 nodes"}
    return {
        name: partial(own_server, nodes, name=name, STUDYHUB_REDIS_URL=redis_url)
        for nodes, name in names.items()
    }
