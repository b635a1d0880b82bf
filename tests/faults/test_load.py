"""Clients of a load are spread over all servers, and those of a lost server go on at another."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.server import ServerProcess
from tests.faults.history import History
from tests.faults.load import Load, RoamingClient
from tests.faults.system import Pace


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[ServerProcess]]:
    """Two that know nothing of each other."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(ServerProcess(tmp_path / name)) for name in "ab"]


@pytest.mark.anyio
async def test_a_client_of_a_killed_server_comes_back_to_the_next_one(servers: list[ServerProcess]) -> None:
    client = RoamingClient([server.url for server in servers], "m", retries=True)
    await client.connect()
    assert client.address.startswith(servers[0].url)

    servers[0].kill()
    await client.until(lambda: client.connections == 2 and client.synced)

    assert client.address == f"{servers[1].url}/m"
    await client.close()


@pytest.mark.anyio
@pytest.mark.parametrize("pace", ["steady", "bursts"])
async def test_the_writers_of_each_document_are_spread_over_all_servers(
    servers: list[ServerProcess], pace: Pace
) -> None:
    history = History()
    load = Load([server.url for server in servers], history, 1, pace=pace, documents=2)
    await load.start()
    await load.burst()
    await load.finish()
    await load.stop()

    places = Counter(writer.address for writer in load.writers)
    assert places == {f"{server.url}/{document}": 2 for server in servers for document in load.documents}
    assert all(token.acknowledged for token in history.tokens.values())
