"""Real servers for the tests of the live server."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess


@asynccontextmanager
async def connected(url: str, material: str, **options: Any) -> AsyncIterator[Client]:
    """A client that holds the present state."""
    client = Client(url, material, **options)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


StartServer = Callable[..., ServerProcess]


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers on a folder of this test; settings come as `STUDYHUB_*` environment variables."""
    yield from _starter(tmp_path)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """As `start_server`, for servers that all tests of a module share."""
    yield from _starter(tmp_path_factory.mktemp("shared"))


def _starter(folder: Path) -> Iterator[StartServer]:
    servers: list[ServerProcess] = []

    def start(data: Path | None = None, **settings: str) -> ServerProcess:
        environment = {f"STUDYHUB_{name.upper()}": value for name, value in settings.items()}
        server = ServerProcess(data or folder / "data", **environment)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()
