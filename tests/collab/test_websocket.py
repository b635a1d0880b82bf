"""The endpoint, over real sockets: who gets in, what a client is told, how it ends."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pycrdt import Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from collab.protocol import ywebsocket
from collab.protocol.messages import Control, Edit
from tests.collab.conftest import StartServer, connected

pytestmark = pytest.mark.anyio

SECRET = "a secret of the platform, long enough"
HELLO = "\x01\x01\x05\x00\x04\x01\x04text\x05hello\x00".encode("latin-1")


def token(role: str = "editor", material: str = "*", **claims: Any) -> str:
    full = {"sub": "u1", "name": "Ann", "exp": int(time.time()) + 600, "grants": {material: role}} | claims
    return jwt.encode({"alg": "HS256"}, full, OctKey.import_key(SECRET))


async def close_code(socket: ClientConnection) -> int | None:
    """Read until the server closes."""
    with pytest.raises(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code


async def received(socket: ClientConnection, kind: type, **fields: Any) -> Any:
    """The next message of that kind."""
    while True:
        message = ywebsocket.decode(await socket.recv(decode=False))
        if isinstance(message, kind):
            if isinstance(message, Control) and fields.items() > message.body.items():
                continue
            return message


async def write(client: Client, words: str) -> None:
    await client.edit(lambda: client.doc.get("t", type=Text).insert(0, words))


@pytest.fixture(scope="module")
def platform_server(shared_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return shared_server(tmp_path_factory.mktemp("platform"), auth="jwt", jwt_secret=SECRET).url


@pytest.fixture
def platform(platform_server: str) -> str:
    """The address of a material that does not exist yet, on a server that trusts a platform's tokens."""
    return f"{platform_server}/{uuid4()}"


@pytest.fixture(scope="module")
def server(shared_server: StartServer) -> ServerProcess:
    """A server that is open to every name."""
    return shared_server(update_bytes="2000", step2_bytes="5000", origins="https://school.example")


@pytest.fixture
def material(server: ServerProcess) -> str:
    """The address of a material that does not exist yet."""
    return f"{server.url}/{uuid4()}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 4401),
        ("?token=nonsense", 4401),
        (f"?token={token(exp=1)}", 4401),
        (f"?token={token(material='other')}", 4403),
        (f"?token={token()}", 4403),
    ],
)
async def test_who_may_not_come_in_is_told_why(platform: str, query: str, expected: int) -> None:
    """The last one: the material is absent, and the token does not let its bearer create it."""
    async with connect(f"{platform}{query}") as socket:
        assert await close_code(socket) == expected
        assert socket.close_reason


async def test_a_token_with_create_makes_the_material_exist_for_others(platform: str) -> None:
    async with connect(f"{platform}?token={token(create=True)}") as socket:
        await received(socket, object)
    async with connect(f"{platform}?token={token('viewer')}") as socket:
        assert ywebsocket.decode(await socket.recv(decode=False))


async def test_a_viewers_edits_are_refused_as_update_and_as_step_2(platform: str) -> None:
    async with (
        connect(f"{platform}?token={token(create=True)}") as editor,
        connect(f"{platform}?token={token('viewer', sub='u2')}") as viewer,
    ):
        await viewer.send(ywebsocket.step2(HELLO))
        await viewer.send(ywebsocket.update(HELLO))
        while (frame := await viewer.recv(decode=False))[0] != 2:
            pass
        await editor.send(ywebsocket.step1(b"\x00"))

        assert b"read this material" in frame
        assert (await received(editor, Edit)).update == b"\x00\x00"


async def test_our_subprotocol_says_hello_and_gets_its_role_and_its_level(platform: str) -> None:
    url, protocols = platform, [Subprotocol("studyhub.v1")]
    async with connect(url, subprotocols=protocols) as socket:
        await socket.send(ywebsocket.control("hello", schema=1, ticket=token(create=True)))
        ready = await received(socket, Control)
        await socket.send(ywebsocket.update(HELLO))
        saved = await received(socket, Control)

    assert ready.body == {"type": "ready", "role": "editor", "level": "synced"}
    assert saved.body == {"type": "saved", "n": 1, "level": "synced"}


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (ywebsocket.step1(b"\x00"), 4400),
        (b"\x09", 4400),
        ("text", 4400),
        (ywebsocket.control("hello", schema=1, ticket="x"), 4401),
        (ywebsocket.control("hello", schema=99, ticket=token(create=True)), 4422),
    ],
)
async def test_our_subprotocol_begins_with_a_good_hello(
    platform: str, first: str | bytes, expected: int
) -> None:
    async with connect(platform, subprotocols=[Subprotocol("studyhub.v1")]) as socket:
        await socket.send(first)

        assert await close_code(socket) == expected


async def test_other_subprotocols_are_accepted_as_offered(material: str) -> None:
    async with connect(material, subprotocols=[Subprotocol("mine")]) as socket:
        assert socket.subprotocol == "mine"


async def test_a_token_that_expires_ends_the_session_once(platform: str) -> None:
    url = f"{platform}?token={token(create=True, exp=int(time.time()) + 2)}"
    async with connect(url) as socket:
        assert await close_code(socket) == 4501


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_pages_of_other_origins_open_no_socket(material: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as error:
        await connect(material, origin=origin)  # type: ignore[arg-type]

    assert error.value.response.status_code == 403


async def test_our_own_page_and_listed_origins_may(server: ServerProcess, material: str) -> None:
    for origin in (server.http, "https://school.example"):
        async with connect(material, origin=origin) as socket:  # type: ignore[arg-type]
            assert await socket.recv()


@pytest.mark.parametrize("name", ["b/c/d", "a b", "ä€😀", "..", "%2F", "a?b", "x" * 200, "b//c/", "A", "."])
async def test_every_name_is_a_document_of_its_own(start_server: StartServer, name: str) -> None:
    server = start_server()
    for room, words in ((name, "mine"), ("other", "other"), ("a", "third")):
        async with connected(server.url, room) as client:
            await client.edit(
                lambda client=client, words=words: client.doc.get("t", type=Text).insert(0, words)
            )
            await client.until_saved()
    async with connected(server.url, name) as client:
        assert str(client.doc.get("t", type=Text)) == "mine"
    server.stop()
    assert b"mine" in server.dump(name)


async def test_a_name_that_is_too_long_is_refused(server: ServerProcess) -> None:
    async with connect(f"{server.url}/{'x' * 201}") as socket:
        assert await close_code(socket) == 4400


@pytest.mark.parametrize("material", ["a/x", "live/x/y", "a%2Fx"])
async def test_a_reserved_name_is_refused(server: ServerProcess, material: str) -> None:
    async with connect(f"{server.url}/{material}") as socket:
        assert await close_code(socket) == 4400


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"\x55", 4400),
        ("text", 4400),
        (ywebsocket.update(b"\xff"), 4422),
        (ywebsocket.update(bytes.fromhex("010105ffffffff0f040101740161" + "00")), 4422),
        (ywebsocket.update(b"\x00" * 3000), 4413),
        (ywebsocket.step1(b"\x05\x01"), 4400),
        (b"\x01\x05\x01\x01\x01\x01{", 4400),
    ],
)
async def test_bad_input_ends_its_sender_alone(
    server: ServerProcess, material: str, frame: str | bytes, expected: int
) -> None:
    name = material.rpartition("/")[2]
    async with connected(server.url, name) as honest, connect(material) as hostile:
        await hostile.send(frame)
        assert await close_code(hostile) == expected

        await write(honest, "still here")
        await honest.until_saved()


async def test_a_frame_above_every_limit_is_closed_by_the_socket_itself(material: str) -> None:
    async with connect(material) as socket:
        await socket.send(ywebsocket.step2(b"\x00" * 20_000))

        assert await close_code(socket) == 1009


async def test_a_step_2_that_is_too_large_is_refused_for_good(material: str) -> None:
    """1009 would have the client send it again and again."""
    async with connect(material) as socket:
        await socket.send(ywebsocket.step2(b"\x00" * 8_000))

        assert await close_code(socket) == 4413


async def test_a_fresh_ticket_goes_on_with_its_role_and_expiry(platform: str) -> None:
    async with connect(platform, subprotocols=[Subprotocol("studyhub.v1")]) as socket:
        first = token(create=True, exp=int(time.time()) + 2)
        await socket.send(ywebsocket.control("hello", schema=1, ticket=first))
        await received(socket, Control)
        await socket.send(ywebsocket.control("hello", ticket=token("viewer")))
        assert (await received(socket, Control)).body == {"type": "role", "role": "viewer"}

        await asyncio.sleep(3.5)
        await socket.send(ywebsocket.update(HELLO))
        assert (await received(socket, Control)).body["code"] == 4403
        await socket.send(ywebsocket.control("hello", ticket=token(sub="another")))
        assert await close_code(socket) == 4403


async def test_compression_is_not_agreed_to(material: str) -> None:
    """A gigabyte of zeros fits into one compressed megabyte; limits count what travels."""
    async with connect(material, compression="deflate") as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_what_is_missing_is_asked_for_and_then_everything_is_saved(server: ServerProcess) -> None:
    """The second of two updates comes first: parked, asked for, never shown, never acknowledged alone."""
    first = bytes.fromhex("0101050004010174016100")
    second = bytes.fromhex("010105018405000162" + "00")
    async with connected(server.url, "late") as reader, connected(server.url, "late") as writer:
        await writer.send_update(second)
        await writer.resync()
        assert writer.saved < writer.sent
        assert str(reader.doc.get("t", type=Text)) == ""
        await writer.send_update(first)
        await writer.until_saved()
        await reader.until(lambda: str(reader.doc.get("t", type=Text)) == "ab")


async def test_a_stopping_server_records_everything_and_closes_with_1012(start_server: StartServer) -> None:
    server = start_server()
    async with connect(f"{server.url}/m") as socket:
        await socket.send(ywebsocket.update(HELLO))
        await socket.send(ywebsocket.step1(b"\x00"))
        await received(socket, Edit)
        server.stop()

        assert await close_code(socket) == 1012
    assert b"hello" in server.dump("m")
