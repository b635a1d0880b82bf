"""pycrdt's own provider, unmodified, as a client beside y-websocket's."""

import asyncio

import pytest
from pycrdt import Doc, Provider, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.client import Client
from benchmarks.server import ServerProcess

pytestmark = pytest.mark.anyio


class SocketChannel:
    """What the provider asks of a connection (pycrdt.Channel)."""

    def __init__(self, socket: ClientConnection, path: str) -> None:
        self.path = path
        self._socket = socket

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)

    async def recv(self) -> bytes:
        return await self._socket.recv(decode=False)

    def __aiter__(self) -> "SocketChannel":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.recv()
        except ConnectionClosed:
            raise StopAsyncIteration from None


async def test_pycrdts_provider_and_our_client_see_each_others_edits(server: ServerProcess) -> None:
    doc: Doc = Doc()
    text = doc.get("text", type=Text)
    ours = Client(server.url, "provider")
    await ours.connect()
    async with connect(f"{server.url}/provider") as socket, Provider(doc, SocketChannel(socket, "provider")):
        await asyncio.sleep(0.2)
        text += "from pycrdt 😀 "
        await ours.until(lambda: str(ours.doc.get("text", type=Text)) == "from pycrdt 😀 ")
        await ours.edit(lambda: ours.doc.get("text", type=Text).insert(0, "語 "))
        for _ in range(200):
            if str(text) == "語 from pycrdt 😀 ":
                break
            await asyncio.sleep(0.02)
    await ours.close()

    assert str(text) == "語 from pycrdt 😀 "
