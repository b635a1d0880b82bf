"""What a socket may send before the server knows who is there."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from benchmarks.server import ServerProcess
from collab.protocol import ywebsocket
from collab.protocol.lib0 import uint
from collab.protocol.messages import Control
from tests.collab.conftest import StartServer
from tests.collab.test_websocket import SECRET, received, token

pytestmark = pytest.mark.anyio

OURS = [Subprotocol("studyhub.v1")]


def large_update(size: int) -> bytes:
    """An update that inserts `size` letters."""
    return bytes.fromhex("0101050004010174") + uint(size) + b"a" * size + b"\x00"


@pytest.fixture(scope="module")
def server(shared_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    return shared_server(tmp_path_factory.mktemp("platform"), auth="jwt", jwt_secret=SECRET)


@pytest.fixture
def material(server: ServerProcess) -> str:
    return f"{server.url}/{uuid4()}"


def frame(payload: bytes) -> bytes:
    """A whole message as it travels from a client."""
    return Frame(Opcode.BINARY, payload).serialize(mask=True)


def fragments(size: int, count: int) -> bytes:
    """The beginning of a message that does not end."""
    first, more = (Frame(code, b"\x00" * size, fin=False) for code in (Opcode.BINARY, Opcode.CONT))
    return first.serialize(mask=True) + more.serialize(mask=True) * count


def pings(count: int) -> bytes:
    return Frame(Opcode.PING, b"\x00" * 125).serialize(mask=True) * count


async def answer(url: str, sent: bytes) -> tuple[int | None, str | None]:
    """The code and reason with which a socket that sends these bytes is closed."""
    client = await connect(url, subprotocols=OURS)
    client.transport.write(sent)
    with pytest.raises(ConnectionClosed):
        while True:
            await client.recv()
    return client.close_code, client.close_reason


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"\x00" * (1 << 20)),
        fragments(1000, 5000),
        fragments(1, 20_000),
        fragments(0, 20_000),
        pings(2000),
    ],
    ids=["frame", "fragments", "small-fragments", "empty-fragments", "pings"],
)
async def test_a_stranger_may_send_little(server: ServerProcess, sent: bytes) -> None:
    code, reason = await answer(f"{server.url}/m", sent)

    assert code == 1009
    assert reason


async def test_strangers_cannot_fill_the_memory(server: ServerProcess) -> None:
    """Thirty of them at once, with 4 MiB each."""
    before = server.memory()
    sent = frame(b"\x00" * (4 << 20))
    clients = [await connect(f"{server.url}/m", subprotocols=OURS) for _ in range(30)]
    for client in clients:
        client.transport.write(sent[:-1])
    await asyncio.gather(*(client.wait_closed() for client in clients))

    assert server.memory() - before < 60 << 20


async def test_who_was_refused_is_told_why_and_not_listened_to(server: ServerProcess) -> None:
    """The large frame begins right behind the hello, before the server can say no."""
    before = server.memory()
    sent = frame(ywebsocket.control("hello", schema=1, ticket="x")) + frame(b"\x00" * (8 << 20))
    answers = await asyncio.gather(*(answer(f"{server.url}/m", sent) for _ in range(8)))

    assert {code for code, _ in answers} == {4401}
    assert server.memory() - before < 30 << 20


@pytest.mark.parametrize("query", ["", "?token=nonsense"])
async def test_a_large_frame_does_not_drown_the_reason_of_a_refusal(
    server: ServerProcess, query: str
) -> None:
    """Without our subprotocol the refusal comes with the handshake; this client speaks nevertheless."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /collab/m{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame(b"\x00" * (1 << 20)))
    closing = await asyncio.wait_for(reader.read(), 5)  # sooner than the server's patience ends
    writer.close()

    assert closing[2:4] == (4401).to_bytes(2)


async def test_a_token_in_the_query_lets_a_large_step_2_in_at_once(material: str) -> None:
    """As does a y-websocket client that sends without a question, 4 MiB behind the handshake."""
    async with connect(f"{material}?token={token(create=True)}", max_size=None) as client:
        await client.send(ywebsocket.step2(large_update(4 << 20)))
        await assert_large(client)


async def test_a_hello_lets_a_large_step_2_in_at_once(material: str) -> None:
    hello = ywebsocket.control("hello", schema=1, ticket=token(create=True))
    frames = [hello, ywebsocket.step2(large_update(4 << 20))]
    async with connect(material, subprotocols=OURS, max_size=None) as client:
        client.transport.write(b"".join(map(frame, frames)))
        assert (await received(client, Control)).body["type"] == "ready"
        assert (await received(client, Control)).body["n"] == 1


async def assert_large(client: ClientConnection) -> None:
    await client.send(ywebsocket.step1(b"\x00"))
    while len(await client.recv(decode=False)) < 4 << 20:
        pass
