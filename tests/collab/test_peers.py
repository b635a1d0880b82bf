"""Nodes that notice each other's death."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collab import peers
from tests.collab.cluster import MATERIAL, Cluster, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    await cluster.close()


async def test_a_node_that_dies_before_its_first_sign_of_life_is_missed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its members were told of already, and must not stay until their presence expires."""
    monkeypatch.setattr(peers, "_BEAT", 0.01)
    monkeypatch.setattr(peers, "_SILENCE", 0.1)
    watcher = await cluster.join("b", "ben")
    visitor = await cluster.join("a", "ann")
    visitor.present(b'{"user": {"name": "Ann"}}')
    presence = cluster.node("b").rooms[MATERIAL].presence
    await until(lambda: bool(list(presence.clients())))

    beating = asyncio.create_task(cluster.node("b").peers.run())  # that of the other one never runs
    await until(lambda: not list(presence.clients()))

    beating.cancel()
    watcher.leave()
