"""Sockets whose clients choke or leave at awkward moments."""

import asyncio
from functools import partial
from typing import Any

import pytest

from collab.sockets import RawSocket
from collab.wire import ADMIT, WIRE, WebSocketProtocol
from tests.collab.test_wire_frames import connect, settle

pytestmark = pytest.mark.anyio


class Receiver:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def received(self, message: bytes) -> None: ...

    def received_text(self) -> None: ...

    def choked(self) -> None:
        self.told.append("choked")

    def drained(self) -> None:
        self.told.append("drained")

    def ended(self) -> None:
        self.told.append("ended")


async def _connect(served: asyncio.Event) -> tuple[Any, Any, RawSocket, Receiver]:
    """A connection that is served once `served` is set."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        scope["extensions"][ADMIT]()
        socket, receiver = RawSocket(scope["extensions"][WIRE]), Receiver()
        found.extend((socket, receiver))
        await served.wait()
        await socket.run(receiver)

    protocol, transport = await connect(partial(WebSocketProtocol, stranger_bytes=1 << 16), app)
    await settle()
    socket, receiver = found
    return protocol, transport, socket, receiver


async def test_a_client_that_choked_before_it_was_served_is_known_to_choke() -> None:
    """By pings that it sends and whose answers it does not read, for example."""
    served = asyncio.Event()
    protocol, _, socket, receiver = await _connect(served)
    protocol.pause_writing()
    served.set()
    await settle()

    assert socket.congested
    assert receiver.told == ["choked"]


async def test_a_client_that_sends_nothing_more_is_gone_though_it_has_not_read_everything() -> None:
    served = asyncio.Event()
    served.set()
    protocol, transport, _, receiver = await _connect(served)
    if not protocol.eof_received():
        transport.close()  # as transports do; the connection is lost once everything is written
    await settle()

    assert receiver.told == ["choked", "ended"]
