"""Who is here, as unmodified y-websocket clients and ours see it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from tests.interop.node import NodeClients

pytestmark = pytest.mark.anyio


@pytest.fixture
async def watcher(server: ServerProcess, room: str) -> AsyncIterator[Client]:
    client = Client(server.url, room)
    await client.connect()
    yield client
    await client.kill()


def _names(states: dict[str, dict[str, Any]]) -> list[str]:
    return sorted(state["name"] for state in states.values() if "name" in state)


async def _shown(node: NodeClients, names: list[str], server: ServerProcess, room: str) -> None:
    for name in names:
        await node.connect(name, server.url, room)
        await node.ask("presence", name, state={"name": name})


async def test_a_late_joiner_sees_everybody_at_once(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    await _shown(node, ["a", "b", "c"], server, room)
    await watcher.set_presence({"name": "watcher"})
    await watcher.until(lambda: len(watcher.others) == 3)
    await node.until("a", lambda answer: len(_names(answer["states"])) == 4, "awareness")

    await node.ask("connect", "late", url=server.url, room=room)
    seen = await node.until("late", lambda answer: len(_names(answer["states"])) >= 4, "awareness")
    python = Client(server.url, room)
    await python.connect()
    await python.until(lambda: len(python.others) >= 4)

    assert _names(seen["states"]) == ["a", "b", "c", "watcher"]
    await python.kill()


async def test_a_cleared_state_is_cleared_everywhere(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    await _shown(node, ["a", "b"], server, room)
    await watcher.until(lambda: len(watcher.others) == 2)

    await node.ask("presence", "a", state=None)

    await watcher.until(lambda: [state.get("name") for state in watcher.others.values()] == ["b"])
    await node.until("b", lambda answer: _names(answer["states"]) == ["b"], "awareness")


async def test_a_state_set_again_after_a_clear_is_visible_again(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    await _shown(node, ["a"], server, room)
    await watcher.until(lambda: len(watcher.others) == 1)
    await node.ask("presence", "a", state=None)
    await watcher.until(lambda: not watcher.others)

    await node.ask("presence", "a", state={"name": "again"})

    await watcher.until(lambda: [state.get("name") for state in watcher.others.values()] == ["again"])


async def test_the_state_of_a_cut_socket_goes_and_comes_back_with_its_client(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    """y-websocket comes back 200 ms after a cut at the earliest, with the presence clock that it had."""
    await _shown(node, ["a", "b"], server, room)
    await watcher.until(lambda: len(watcher.others) == 2)

    await node.ask("destroy", "a")

    await watcher.until(lambda: len(watcher.others) == 1, within=5)
    await watcher.until(lambda: len(watcher.others) == 2, within=5)


async def test_the_state_of_a_dead_client_goes(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    await _shown(node, ["a"], server, room)
    dying = Client(server.url, room)
    await dying.connect()
    await dying.set_presence({"name": "dying"})
    await node.until("a", lambda answer: _names(answer["states"]) == ["a", "dying"], "awareness")

    await dying.kill()

    await node.until("a", lambda answer: _names(answer["states"]) == ["a"], "awareness", within=5)
    await watcher.until(lambda: len(watcher.others) == 1, within=5)


async def test_presence_of_one_client_changes_nothing_of_anothers(
    server: ServerProcess, node: NodeClients, room: str, watcher: Client
) -> None:
    """y-websocket sends every state that it receives back to the server; the echo must not count."""
    await _shown(node, ["a", "b"], server, room)
    for number in range(20):
        await node.ask("presence", "a", state={"name": "a", "number": number})
        await node.ask("presence", "b", state={"name": "b", "number": number})

    await watcher.until(lambda: [state["number"] for state in watcher.others.values()] == [19, 19])
    await asyncio.sleep(0.3)

    assert sorted(state["name"] for state in watcher.others.values()) == ["a", "b"]
    assert [state["number"] for state in watcher.others.values()] == [19, 19]
