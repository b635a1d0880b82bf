"""A connection on which nothing happens stays open."""

import asyncio

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from tests.interop.node import NodeClients


@pytest.mark.anyio
@pytest.mark.timeout(150)
async def test_an_idle_connection_lives_on(server: ServerProcess, node: NodeClients, room: str) -> None:
    """y-websocket gives a socket up after 30 s without a message, and looks every 3 s."""
    await node.connect("quiet", server.url, room)
    await node.ask("presence", "quiet", state=None)
    await node.connect("shown", server.url, room)
    python = Client(server.url, room)
    await python.connect()

    await asyncio.sleep(76)

    assert (await node.ask("state", "quiet"))["closes"] == []
    assert (await node.ask("state", "shown"))["closes"] == []
    assert (python.connections, python.connected) == (1, True)
    await node.ask("edit", "quiet", ops=[["insert", "text", 0, "alive"]])
    await python.until(lambda: str(python.doc.get("text", type=pycrdt.Text)) == "alive")
    await python.kill()
