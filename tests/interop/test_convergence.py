"""Unmodified y-websocket clients and pycrdt clients end with the same document."""

from functools import partial
from typing import Any

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from tests.interop.node import NodeClients
from tests.interop.views import same, scramble, view

pytestmark = pytest.mark.anyio


def _alike(one: Client, other: Client) -> bool:
    return view(one.doc) == view(other.doc)


def _came_back(times: int, state: dict[str, Any]) -> bool:
    return len(state["closes"]) == times and bool(state["synced"])


def _is_back(client: Client, times: int) -> bool:
    return client.connections == 1 + times and client.synced


def _put(client: Client, text: str) -> None:
    client.doc.get("map", type=pycrdt.Map)["all"] = text


async def _settled(node: NodeClients, names: list[str], clients: list[Client]) -> None:
    """Wait until all Node clients and all pycrdt clients show one state that is not empty."""
    assert any(view(clients[0].doc).values())
    for client in clients:
        await client.until_saved()
    for client in clients:
        await client.until(partial(_alike, client, clients[0]))
    for name in names:
        await node.until(name, lambda state: same(state, clients[0].doc) and not state["pending"])


@pytest.fixture
async def python_clients(server: ServerProcess, room: str) -> Any:
    clients = [Client(server.url, room), Client(server.url, room, plain=True)]
    for client in clients:
        await client.connect()
    yield clients
    for client in clients:
        await client.kill()


@pytest.mark.parametrize("seed", range(3))
async def test_concurrent_edits_of_all_types_converge(
    server: ServerProcess, node: NodeClients, room: str, python_clients: list[Client], seed: int
) -> None:
    names = ["a", "b", "c"]
    for name in names:
        await node.connect(name, server.url, room)

    for part in range(5):
        for number, name in enumerate(names):
            await node.ask("scramble", name, seed=seed * 1000 + part * 10 + number, count=20)
        for number, client in enumerate(python_clients):
            await scramble(client, seed * 1000 + part * 10 + 5 + number, 20)

    await _settled(node, names, python_clients)


async def test_a_late_joiner_sees_what_the_others_see(
    server: ServerProcess, node: NodeClients, room: str, python_clients: list[Client]
) -> None:
    await node.connect("a", server.url, room)
    await node.ask("scramble", "a", seed=1, count=60)
    await scramble(python_clients[0], 2, 60)
    await _settled(node, ["a"], python_clients)

    await node.connect("late", server.url, room)

    assert same(await node.ask("state", "late"), python_clients[0].doc)


async def test_edits_made_offline_arrive_when_the_client_returns(
    server: ServerProcess, node: NodeClients, room: str, python_clients: list[Client]
) -> None:
    for name in ("a", "b"):
        await node.connect(name, server.url, room)
    await node.ask("offline", "a")

    await node.ask("scramble", "a", seed=7, count=40)
    await node.ask("scramble", "b", seed=8, count=40)
    await scramble(python_clients[0], 9, 40)
    await node.ask("online", "a")
    await node.until("a", lambda state: state["synced"])

    await _settled(node, ["a", "b"], python_clients)


async def test_nothing_is_lost_when_sockets_are_cut_while_everybody_types(
    server: ServerProcess, node: NodeClients, room: str, python_clients: list[Client]
) -> None:
    for name in ("a", "b"):
        await node.connect(name, server.url, room)
    for client in python_clients:
        client.retries = True

    for part in range(4):
        await node.ask("scramble", "a", seed=part, count=15)
        await scramble(python_clients[part % 2], 100 + part, 15)
        await node.ask("destroy", "a")
        python_clients[part % 2].cut()
        await node.ask("scramble", "a", seed=50 + part, count=15)
        await scramble(python_clients[part % 2], 150 + part, 15)
        await node.ask("scramble", "b", seed=200 + part, count=15)
        await node.until("a", partial(_came_back, part + 1))
        await python_clients[part % 2].until(partial(_is_back, python_clients[part % 2], part // 2 + 1))

    await _settled(node, ["a", "b"], python_clients)


@pytest.mark.parametrize(
    "text",
    ["👩‍🏫🏳️‍🌈", "漢字かな交じり文", "שלום עולם", "مرحبا بالعالم", "𝒳𝒴𝒵", "e\u0301 é", "\u200b\ufeff\u2028"],
    ids=["emoji", "cjk", "hebrew", "arabic", "beyond the BMP", "combining", "invisible"],
)
async def test_text_of_every_script_arrives_unchanged_both_ways(
    server: ServerProcess, node: NodeClients, room: str, python_clients: list[Client], text: str
) -> None:
    await node.connect("a", server.url, room)

    await node.ask("edit", "a", ops=[["insert", "text", 0, text]])
    await python_clients[0].until(lambda: view(python_clients[0].doc)["text"] == text)
    first = len(text[0].encode("utf-16-le")) // 2  # one whole character, in UTF-16 code units
    await node.ask("edit", "a", ops=[["delete", "text", 0, first]])
    await python_clients[0].until(lambda: view(python_clients[0].doc)["text"] == text[1:])
    await python_clients[0].edit(partial(_put, python_clients[0], text))

    await node.until("a", lambda state: state["map"] == {"all": text} and state["text"] == text[1:])


async def test_the_room_of_a_name_with_slashes_and_other_scripts_is_one_room(
    server: ServerProcess, node: NodeClients, room: str
) -> None:
    """y-websocket puts the name into the address as it is; the Python client percent-encodes it."""
    name = f"{room}/biologie kapitel/漢字"
    client = Client(server.url, name)
    await client.connect()
    await node.connect("a", server.url, name)

    await node.ask("edit", "a", ops=[["insert", "text", 0, "same"]])
    await client.until(lambda: view(client.doc)["text"] == "same")

    await client.kill()


async def test_two_rooms_share_nothing(server: ServerProcess, node: NodeClients, room: str) -> None:
    for name in ("one", "two"):
        await node.connect(name, server.url, f"{room}/{name}")
    await node.ask("edit", "one", ops=[["insert", "text", 0, "first"]])
    await node.ask("edit", "two", ops=[["insert", "text", 0, "second"]])
    late = Client(server.url, f"{room}/two")

    await late.connect()
    await late.until(lambda: view(late.doc)["text"] != "")

    assert view(late.doc)["text"] == "second"
    assert (await node.ask("state", "one"))["text"] == "first"
    await late.kill()
