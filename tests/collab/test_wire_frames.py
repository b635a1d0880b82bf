"""The short way for messages takes from a stream of bytes what stock uvicorn takes from it."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Close, Frame, Opcode
from websockets.speedups import apply_mask

from collab.wire import ADMIT, WIRE, WebSocketProtocol

LIMIT = 1000  # bytes of a message
HANDSHAKE = (
    b"GET /collab/m HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
TEXT = b"text"  # stands for a text message


class Transport(asyncio.Transport):
    """A client that has sent some bytes, and keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.paused = False
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closing = True

    abort = close


class Listener:
    """A peer that pauses before some messages, and goes on a little later."""

    def __init__(self, wire: WebSocketProtocol, pauses: random.Random) -> None:
        self.messages: list[bytes] = []
        self.done = asyncio.get_running_loop().create_future()
        self._wire = wire
        self._pauses = pauses

    def received(self, message: bytes) -> None:
        assert not self._wire._paused
        self.messages.append(message)
        if self._pauses.random() < 0.5:
            self._wire.pause()
            asyncio.get_running_loop().call_soon(self._wire.resume)

    def received_text(self) -> None:
        self.received(TEXT)

    def choked(self, on: bool) -> None: ...

    def lost(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def listen(kind: Callable[..., Any], pieces: list[bytes], seed: int) -> tuple[list[bytes], bytes]:
    """The messages that arrive, and the bytes with which they are answered."""
    messages: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal messages
        await receive()
        await send({"type": "websocket.accept"})
        wire = scope["extensions"].get(WIRE)
        if wire is not None:
            scope["extensions"][ADMIT]()
            listener = Listener(wire, random.Random(seed))
            messages = listener.messages
            wire.attach(listener, listener.received)
            await listener.done
            return
        while (event := await receive())["type"] == "websocket.receive":
            messages.append(TEXT if event.get("bytes") is None else event["bytes"])

    protocol, transport = await connect(kind, app)
    greeting = len(transport.written)
    for piece in pieces:
        while transport.paused and not transport.closing:
            await asyncio.sleep(0)
        if transport.closing:
            break
        protocol.data_received(piece)
    await settle()
    answers = bytes(transport.written[greeting:])
    protocol.connection_lost(None)
    await settle()
    return messages, answers


async def connect(kind: Callable[..., Any], app: Any) -> tuple[Any, Transport]:
    """A connection behind its handshake."""
    options: dict[str, Any] = {"ws_ping_interval": None, "ws_per_message_deflate": False, "log_config": None}
    config = uvicorn.Config(app, ws_max_size=LIMIT, **options)
    config.load()
    protocol, transport = kind(config=config, server_state=ServerState(), app_state={}), Transport()
    protocol.connection_made(transport)
    protocol.data_received(HANDSHAKE)
    await settle()
    return protocol, transport


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def short_way(**options: Any) -> WebSocketProtocol:
    return WebSocketProtocol(**options, stranger_bytes=LIMIT)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """One frame, mostly one that a client may send."""
    opcode = draw(st.sampled_from([Opcode.BINARY] * 6 + [Opcode.CONT] * 3 + [Opcode.PING] * 2 + list(Opcode)))
    final = draw(st.integers(0, 3)) > 0 or opcode >= Opcode.CLOSE
    if opcode is Opcode.CLOSE:
        payload = draw(st.sampled_from([b"", Close(1000, "bye").serialize(), b"\x03", b"\x03\xed"]))
    else:
        size = draw(st.sampled_from([0, 1, 5, 125, 126, 127, 400, 999, 1000, 1001]))
        payload = b"a" * (min(size, 125) if opcode >= Opcode.CLOSE else size)
    frame = Frame(opcode, payload, fin=final).serialize(mask=True)
    return draw(st.just(frame) if draw(st.integers(0, 7)) else wrong(frame[0], payload))


def wrong(first: int, payload: bytes) -> st.SearchStrategy[bytes]:
    """Frames that a client must not send, or not like this."""
    short = payload[:125]
    head = bytes((first, 0x80 | len(short)))
    mask = b"\x01\x02\x03\x04"
    masked = apply_mask(short, mask)
    return st.sampled_from(
        [
            bytes((first, len(short))) + short,  # without a mask
            bytes((first | 0x40, 0x80 | len(short))) + mask + masked,  # a reserved bit
            bytes((first & 0xF0 | 0x03, 0x80 | len(short))) + mask + masked,  # reserved opcodes
            bytes((first & 0xF0 | 0x0B, 0x80 | len(short))) + mask + masked,
            bytes((first, 0xFE)) + len(short).to_bytes(2, "big") + mask + masked,  # longer than it must be
            bytes((first, 0xFF)) + len(short).to_bytes(8, "big") + mask + masked,
            bytes((first, 0xFF)) + b"\xff" * 8 + mask,  # far too long
            bytes((0x89, 0xFE, 0, 200)) + mask + bytes(200),  # a control frame that is too long
            bytes((0x09, 0x80)) + mask,  # or in fragments
            head[:1] + b"\xfe\xff\xff" + mask,
        ]
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(frames(), max_size=8), st.integers(0, 2**32), st.sampled_from([1, 3, 40, 5000]))
def test_the_short_way_takes_what_stock_uvicorn_takes(stream: list[bytes], seed: int, longest: int) -> None:
    """However the bytes are cut, and whenever the peer pauses."""
    cuts, data, pieces = random.Random(seed), b"".join(stream), []
    while data:
        size = cuts.randint(1, longest)
        pieces.append(data[:size])
        data = data[size:]

    async def both() -> tuple[Any, Any]:
        return (
            await listen(short_way, pieces, seed),
            await listen(WebSocketsSansIOProtocol, stream, seed),  # it drops what stands before a mistake
        )

    ours, stock = asyncio.run(both())
    assert ours == stock


@pytest.mark.anyio
async def test_nothing_behind_a_close_frame_is_taken() -> None:
    message, bye = (Frame(code, b"").serialize(mask=True) for code in (Opcode.BINARY, Opcode.CLOSE))
    messages, _ = await listen(short_way, [message + bye + message], 1)
    assert messages == [b""]


async def accept(scope: Any, receive: Any, send: Any) -> None:
    """An application that takes all and says nothing."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        pass


@pytest.mark.anyio
async def test_a_server_that_stops_takes_no_offence_at_who_is_leaving() -> None:
    protocol, transport = await connect(short_way, accept)
    protocol.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True))
    protocol.shutdown()
    assert transport.closing
    protocol.connection_lost(None)
    await settle()


@pytest.mark.anyio
async def test_a_close_frame_that_waits_behind_messages_answers_ours() -> None:
    protocol, transport = await connect(short_way, accept)
    listener = Listener(protocol, random.Random(1))
    protocol.attach(listener, listener.received)
    protocol.pause()
    protocol.data_received(
        b"".join(
            Frame(code, b"").serialize(mask=True) for code in (Opcode.BINARY, Opcode.BINARY, Opcode.CLOSE)
        )
    )
    protocol.finish(1000, "")
    await settle()
    assert transport.closing
    assert listener.messages == []
    protocol.connection_lost(None)
    await settle()


@pytest.mark.anyio
@pytest.mark.parametrize("silent", [True, False])
async def test_who_has_left_is_gone_at_once(silent: bool) -> None:
    """Also where its socket lives on, since it reads nothing of what was written."""
    protocol, transport = await connect(short_way, accept)
    listener = Listener(protocol, random.Random(1))
    protocol.attach(listener, listener.received)
    if silent:
        protocol.keepalive_timeout()
    else:
        protocol.data_received(Frame(Opcode.CLOSE, b"").serialize(mask=True))
    assert transport.closing
    assert listener.done.done()
    assert protocol.close_timer is not None
    protocol.connection_lost(None)
    await settle()
    assert protocol.close_timer is None
