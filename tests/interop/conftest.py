"""One server per test process, and Node clients per test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from benchmarks.server import ServerProcess
from tests.interop.node import NodeClients, install, node_clients


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for one test that kills or measures it."""
    with ServerProcess(tmp_path) as running:
        yield running


@pytest.fixture
def room() -> str:
    return f"interop/{uuid4().hex}"


@pytest.fixture(scope="session")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> None:
    install()


@pytest.fixture
async def node(_packages: None) -> AsyncIterator[NodeClients]:
    async with node_clients() as clients:
        yield clients
