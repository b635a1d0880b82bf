"""A client that sends damaged and random frames harms only its own connection."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pycrdt
import pytest
from websockets.exceptions import WebSocketException

from benchmarks.client import Client
from benchmarks.roster import Roster
from benchmarks.server import ServerProcess
from collab.protocol import ywebsocket
from tests.interop.node import NodeClients

pytestmark = pytest.mark.anyio

FRAMES = 1000


def _honest_frames() -> list[bytes]:
    """All kinds of messages, with the sender's own client id only."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=666)
    frames: list[bytes] = []
    subscription = doc.observe(lambda event: frames.append(ywebsocket.update(event.update)))
    text = doc.get("graffiti", type=pycrdt.Text)
    text.insert(0, "tag 😀")
    text.insert(3, "漢字" * 10)
    del text[0:2]
    doc.get("graffiti map", type=pycrdt.Map)["key"] = {"nested": [1, 2.5, None, True]}
    doc.get("graffiti xml", type=pycrdt.XmlFragment).children.append(pycrdt.XmlElement("p", {"a": "b"}))
    doc.unobserve(subscription)
    frames += [ywebsocket.step1(doc.get_state()), ywebsocket.step2(doc.get_update())]
    frames.append(ywebsocket.awareness(Roster(666, {}).announce({"user": {"name": "M"}})))
    return [*frames, ywebsocket.control("hello", schema=1), b"\x03"]


def _mutated(frame: bytes, choose: random.Random) -> bytes:
    damaged = bytearray(frame)
    for _ in range(choose.randint(1, 4)):
        at = choose.randrange(len(damaged) + 1)
        match choose.randrange(4):
            case 0:
                damaged[at : at + 1] = bytes((choose.randrange(256),))
            case 1:
                del damaged[at : at + choose.randint(1, 8)]
            case 2:
                damaged[at:at] = choose.randbytes(choose.randint(1, 8))
            case _:
                damaged[at : at + 1] = b"\xff" * choose.randint(1, 9)
    return bytes(damaged)


def _frames(seed: int) -> Iterator[bytes]:
    choose = random.Random(seed)
    honest = _honest_frames()
    for _ in range(FRAMES):
        if choose.random() < 0.3:
            yield choose.randbytes(choose.randint(0, 200))
        else:
            yield _mutated(choose.choice(honest), choose)


async def _attack(url: str, room: str, frames: Iterator[bytes]) -> int:
    """Send all frames, on a new socket whenever one ends; returns how many were needed."""
    sockets = 0
    client: Client | None = None
    for number, frame in enumerate(frames):
        if client is None or not client.connected:
            client = Client(url, room, plain=number % 2 == 0)
            await client.connect()
            sockets += 1
        try:
            await client.send_raw(frame)
            await client.resync()
        except (ConnectionError, WebSocketException, ValueError):
            await client.kill()
    if client is not None:
        await client.kill()
    return sockets


def _clocks(client: Client) -> dict[int, int]:
    return ywebsocket.decode_state_vector(client.doc.get_state())


async def test_others_do_not_notice_a_thousand_damaged_frames(
    server: ServerProcess, node: NodeClients, room: str
) -> None:
    await node.connect("honest", server.url, room)
    await node.ask("presence", "honest", state={"name": "honest"})
    honest = Client(server.url, room)
    await honest.connect()
    notes, written = honest.doc.get("text", type=pycrdt.Text), ""

    sockets = 0
    frames = list(_frames(seed=3))
    for part in range(10):
        written += f"line {part} 😀\n"
        await honest.edit(partial(notes.insert, len(notes), f"line {part} 😀\n"))
        sockets += await _attack(server.url, room, iter(frames[part::10]))

    await honest.until_saved()
    seen = await node.until("honest", lambda state: state["text"] == written)
    late = Client(server.url, room)
    await late.connect()
    assert sockets > 10
    assert seen["closes"] == []
    assert not seen["pending"]
    assert honest.connections == 1
    assert str(notes) == written
    assert str(late.doc.get("text", type=pycrdt.Text)) == written
    await honest.until(lambda: _clocks(honest) == _clocks(late))
    await late.kill()
    await honest.kill()
