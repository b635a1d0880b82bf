"""The endpoint, over real sockets: who gets in, what a client is told, how it ends."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pycrdt import Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from benchmarks.client import Client
from collab.protocol import ywebsocket
from collab.protocol.messages import Control, Edit
from tests.collab.conftest import StartServer, connected

pytestmark = pytest.mark.anyio

SECRET = "a secret of the platform, long enough"
HELLO = "\x01\x01\x05\x00\x04\x01\x04text\x05hello\x00".encode("latin-1")


def token(role: str = "editor", material: str = "m", **claims: Any) -> str:
    full = {"sub": "u1", "name": "Ann", "exp": int(time.time()) + 60, "grants": {material: role}} | claims
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


@pytest.fixture
def platform(start_server: StartServer) -> str:
    return start_server(auth="jwt", jwt_secret=SECRET).url


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
    async with connect(f"{platform}/m{query}") as socket:
        assert await close_code(socket) == expected
        assert socket.close_reason


async def test_a_token_with_create_makes_the_material_exist_for_others(platform: str) -> None:
    async with connect(f"{platform}/m?token={token(create=True)}") as socket:
        await received(socket, object)
    async with connect(f"{platform}/m?token={token('viewer')}") as socket:
        assert ywebsocket.decode(await socket.recv(decode=False))


async def test_a_viewers_edits_are_refused_as_update_and_as_step_2(platform: str) -> None:
    async with (
        connect(f"{platform}/m?token={token(create=True)}") as editor,
        connect(f"{platform}/m?token={token('viewer', sub='u2')}") as viewer,
    ):
        await viewer.send(ywebsocket.step2(HELLO))
        await viewer.send(ywebsocket.update(HELLO))
        while (frame := await viewer.recv(decode=False))[0] != 2:
            pass
        await editor.send(ywebsocket.step1(b"\x00"))

        assert b"read this material" in frame
        assert (await received(editor, Edit)).update == b"\x00\x00"


async def test_our_subprotocol_says_hello_and_gets_its_role_and_its_level(platform: str) -> None:
    url, protocols = f"{platform}/m", [Subprotocol("studyhub.v1")]
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
    async with connect(f"{platform}/m", subprotocols=[Subprotocol("studyhub.v1")]) as socket:
        await socket.send(first)

        assert await close_code(socket) == expected


async def test_other_subprotocols_are_accepted_as_offered(start_server: StartServer) -> None:
    async with connect(f"{start_server().url}/m", subprotocols=[Subprotocol("mine")]) as socket:
        assert socket.subprotocol == "mine"


async def test_a_token_that_expires_ends_the_session_once(platform: str) -> None:
    url = f"{platform}/m?token={token(create=True, exp=int(time.time()) + 2)}"
    async with connect(url) as socket:
        assert await close_code(socket) == 4501


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_pages_of_other_origins_open_no_socket(start_server: StartServer, origin: str) -> None:
    with pytest.raises(InvalidStatus) as error:
        await connect(f"{start_server().url}/m", origin=origin)  # type: ignore[arg-type]

    assert error.value.response.status_code == 403


async def test_our_own_page_and_listed_origins_may(start_server: StartServer) -> None:
    server = start_server(origins="https://school.example")
    for origin in (server.http, "https://school.example"):
        async with connect(f"{server.url}/m", origin=origin) as socket:  # type: ignore[arg-type]
            assert await socket.recv()


@pytest.mark.parametrize("name", ["a/b/c", "a b", "ä€😀", "..", "%2F", "a?b", "x" * 200, "a//b/", "A", "."])
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


async def test_a_name_that_is_too_long_is_refused(start_server: StartServer) -> None:
    async with connect(f"{start_server().url}/{'x' * 201}") as socket:
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
    start_server: StartServer, frame: str | bytes, expected: int
) -> None:
    server = start_server(update_bytes="2000")
    async with connected(server.url, "m") as honest, connect(f"{server.url}/m") as hostile:
        await hostile.send(frame)
        assert await close_code(hostile) == expected

        await write(honest, "still here")
        await honest.until_saved()


async def test_what_is_missing_is_asked_for_and_then_everything_is_saved(start_server: StartServer) -> None:
    """The second of two updates comes first: parked, asked for, never shown, never acknowledged alone."""
    first = bytes.fromhex("0101050004010174016100")
    second = bytes.fromhex("010105018405000162" + "00")
    url = start_server().url
    async with connected(url, "m") as reader, connected(url, "m") as writer:
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
