"""Who is there, across nodes. Bounds are wide; `python -m benchmarks.cluster` measures the times."""

import asyncio
from functools import partial

import pytest

from benchmarks.client import Client
from tests.faults.cluster import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("cluster")]

SOON = 4.0  # seconds, shorter than a silent node is waited for
BURIED = 20.0  # seconds, shorter than presence lives that nobody renews


async def _together(cluster: Cluster, document: str) -> tuple[Client, Client]:
    """A client of the first and one of the last node; the first one is visible to the other."""
    seen, watcher = Client(cluster.urls[0], document), Client(cluster.urls[-1], document)
    for client in (seen, watcher):
        await client.connect()
    await seen.set_presence({"user": {"name": "Ada"}})
    await watcher.until(partial(_sees, watcher, seen), SOON)
    return seen, watcher


def _sees(watcher: Client, other: Client) -> bool:
    return other.doc.client_id in watcher.others


def _misses(watcher: Client, other: Client) -> bool:
    return not _sees(watcher, other)


async def test_a_client_of_another_node_is_gone_when_its_socket_is_cut(cluster: Cluster) -> None:
    seen, watcher = await _together(cluster, "cut")

    await seen.kill()

    await watcher.until(partial(_misses, watcher, seen), SOON)
    await watcher.close()


async def test_the_clients_of_a_killed_node_are_gone_before_their_presence_expires(cluster: Cluster) -> None:
    seen, watcher = await _together(cluster, "killed")

    try:
        cluster.nodes[0].kill()
        await watcher.until(partial(_misses, watcher, seen), BURIED)
    finally:
        await asyncio.to_thread(cluster.start_node, 0)
    await seen.kill()
    await watcher.close()
