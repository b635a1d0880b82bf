"""One client under load: a socket, and as little work per frame as counting needs."""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import pycrdt

from benchmarks.bench import wire, writing
from benchmarks.bench.dialects import Dialect
from benchmarks.bench.ledger import Arrivals, Ledger
from benchmarks.bench.writing import Writer
from collab.protocol import ywebsocket
from collab.protocol.lib0 import read_bytes

_SYNC, _AWARENESS, _STATUS, _CONTROL = 0, 1, 8, 100
_ASK, _UPDATE = 0, 2


class Way:
    """How clients reach a server.

    Attributes:
        host, port: where it listens.
        origin: what the Host header says.
        base: the path before a room's name.
        echo_presence: whether others' presence is sent back, as y-websocket 3 does.
    """

    def __init__(self, url: str, dialect: Dialect, echo_presence: bool) -> None:
        address = urlsplit(url)
        self.dialect = dialect
        self.echo_presence = echo_presence
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self.origin = address.netloc
        self.base = address.path


class Replica:
    """A whole document beside a client, which takes in everything that the client gets.

    Attributes:
        present: client id to the presence state that came last, JSON.
    """

    def __init__(self) -> None:
        self.doc: pycrdt.Doc[Any] = pycrdt.Doc()
        self.present: dict[int, bytes] = {}

    @property
    def text(self) -> str:
        """What a user would read."""
        return str(self.doc.get(writing.ROOT, type=pycrdt.Text))

    def show(self, payload: bytes) -> None:
        """Take in presence."""
        for client, _, state in writing.present_in(payload):
            self.present[client] = state

    def sees(self, client: int, state: bytes) -> bool:
        """Whether the caret of `client` is where `state` says; servers may change what else is in it."""
        shown = self.present.get(client, b"null")
        return bool(shown == state or (json.loads(shown) or {}).get("cursor") == json.loads(state)["cursor"])


class Client(asyncio.Protocol):
    """A client of one room.

    Attributes:
        arrivals: the frames with edits that came.
        own: the marks that this client typed.
        asks: answers to sync step 1 that came on this socket.
        visible: whether presence is sent on opening, as editors do.
        shown: the presence state sent last, b"" before.
        presence_bytes: of all presence messages that came.
        waits: how many edits are not acknowledged yet, where the server does that.
        lost: why the socket ended, or None.
        on_ack: called with the intended time of each acknowledged edit, 0.0 for a sync step 2.
        on_update: called after each frame with edits.
    """

    def __init__(self, room: str, ledger: Ledger, way: Way, writer: Writer | None) -> None:
        self.room = room
        self.writer = writer
        self.replica: Replica | None = None
        self.seed = writing.EMPTY
        self.known = b"\x00"  # the state vector sent with step 1
        self.arrivals = Arrivals()
        self.own: set[int] = set()
        self.asks = 0
        self.visible = False
        self.shown = b""
        self.presence_bytes = 0
        self.lost: Exception | None = None
        self.on_ack: Callable[[float], object] | None = None
        self.on_update: Callable[[bytes], object] | None = None
        self._ledger = ledger
        self._way = way
        self._prefix = way.dialect.prefix(room)
        self._key = os.urandom(4)
        self._unacknowledged: deque[float] = deque()
        self._acknowledged = 0
        self._presence_clock = 0
        self._clocks: dict[int, int] = {}  # of others' presence, kept only to echo it
        self._rest = b""
        self._open = False
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def waits(self) -> int:
        """Edits that are not acknowledged yet."""
        return len(self._unacknowledged)

    @property
    def connected(self) -> bool:
        """Whether a socket is open."""
        return self._transport is not None

    # Connecting

    async def connect(self) -> None:
        """Open a socket and wait for the answer to step 1. Raises OSError or WireError."""
        await self.open()
        await self.synced()

    async def open(self) -> None:
        """Open a socket and say what a client says first. Raises OSError or WireError."""
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        self.asks = self._acknowledged = 0
        self.lost, self._rest, self._open = None, b"", False
        self._unacknowledged.clear()
        await loop.create_connection(lambda: self, self._way.host, self._way.port)
        await waiter

    async def synced(self) -> None:
        """Wait for the next answer to a step 1; at once where no server answers. Raises WireError."""
        if self.lost is not None:
            raise self.lost
        if self._way.dialect.syncs and not self.asks:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    async def resync(self) -> None:
        """Ask for what is missing and wait for the answer."""
        self.asks = 0
        self.say(ywebsocket.step1(self._state_vector()))
        await self.synced()

    def cut(self) -> None:
        """End the socket without a word."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast(asyncio.Transport, transport)
        dialect = self._way.dialect
        path = dialect.path(self._way.base, self.room)
        self._transport.write(wire.request(self._way.origin, path, dialect.subprotocol))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        if self._transport is not None:
            self._fail(error or wire.WireError("the server closed the socket"))

    # Sending

    def say(self, message: bytes) -> None:
        """Send one message."""
        if self._transport is not None:
            self._transport.write(wire.masked(self._prefix + message, self._key))

    def edit(self, intended: float) -> None:
        """Type a mark. Raises WireError when the socket is gone."""
        self._write((self.type(intended),), intended)

    def edit_with_cursor(self, intended: float) -> None:
        """Type a mark and show the caret behind it, as editors do. Raises WireError."""
        update = self.type(intended)
        self._write((update, self._cursor()), intended)

    def type(self, intended: float) -> bytes:
        """Type a mark without sending it: what an editor without a network does. The message for it."""
        assert self.writer is not None
        number = self._ledger.edit(intended)
        self.own.add(number)
        update = self.writer.type(writing.mark(number))
        if self.replica is not None:
            self.replica.doc.apply_update(update)
        return ywebsocket.update(update)

    def _cursor(self) -> bytes:
        assert self.writer is not None
        self._presence_clock += 1
        self.shown = self.writer.cursor()
        entry = (self.writer.client, self._presence_clock, self.shown)
        return ywebsocket.awareness(writing.presence([entry]))

    def _write(self, messages: tuple[bytes, ...], intended: float) -> None:
        if self._transport is None:
            raise self.lost or wire.WireError("not connected")
        if self._way.dialect.acknowledges:
            self._unacknowledged.append(intended)
        prefix, key = self._prefix, self._key
        self._transport.write(b"".join([wire.masked(prefix + message, key) for message in messages]))

    # Receiving

    def data_received(self, data: bytes) -> None:
        """Take in what the server sent."""
        try:
            if not self._open:
                data = self._handshake(self._rest + data)
            elif self._rest:
                data = self._rest + data
            if self._open:
                frames, self._rest = wire.split(data)
                for opcode, payload in frames:
                    self._receive(opcode, payload)
            else:
                self._rest = data
        except (wire.WireError, ValueError, IndexError) as error:
            self._fail(error)

    def _handshake(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return data
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise wire.WireError(f"no WebSocket at {self.room!r}: {head[:200]!r}")
        self._open = True
        for message in self._way.dialect.opening:
            self.say(message)
        if self._way.dialect.syncs:
            self.say(ywebsocket.step1(self._state_vector()))
        if self.visible:
            self.say(self._cursor())
        self._wake()
        return rest

    def _receive(self, opcode: int, payload: bytes) -> None:
        if opcode == wire.BINARY:
            at = len(self._prefix)
            kind = payload[at]
            if kind == _SYNC:
                self._receive_sync(payload[at + 1], payload[at + 2 :])
            elif kind == _AWARENESS:
                self._receive_presence(payload[at + 1 :])
            elif kind == _STATUS:
                self._acknowledge(self._acknowledged + 1)
            elif kind == _CONTROL:
                self._control(json.loads(read_bytes(payload, at + 1)[0]))
        elif opcode == wire.PING and self._transport is not None:
            self._transport.write(wire.masked(payload, self._key, wire.PONG))
        elif opcode == wire.CLOSE:
            raise wire.WireError(f"closed by the server: {payload!r}")

    def _receive_sync(self, kind: int, body: bytes) -> None:
        if kind == _ASK:
            self._answer(read_bytes(body, 0)[0])
            return
        self._ledger.arrive(self.arrivals, body, time.monotonic())
        if self.replica is not None:
            self.replica.doc.apply_update(read_bytes(body, 0)[0])
        if kind != _UPDATE:
            self.asks += 1
            self._wake()
        if self.on_update is not None:
            self.on_update(body)

    def _answer(self, state_vector: bytes) -> None:
        update = self.seed
        if self.writer is not None and self.writer.clock:
            clocks = ywebsocket.decode_state_vector(state_vector)
            update = self.writer.since(clocks.get(self.writer.client, 0))
        if self._way.dialect.acknowledges:
            self._unacknowledged.append(0.0)
        self.say(ywebsocket.step2(update))

    def _receive_presence(self, body: bytes) -> None:
        self.presence_bytes += len(body)
        if self.replica is not None:
            self.replica.show(read_bytes(body, 0)[0])
        if self._way.echo_presence:
            self._echo(writing.present_in(read_bytes(body, 0)[0]))

    def _echo(self, entries: list[writing.Entry]) -> None:
        """Send back what is news, as y-websocket 3 does."""
        news = [entry for entry in entries if entry[1] > self._clocks.get(entry[0], -1)]
        if news:
            self._clocks.update((client, clock) for client, clock, _ in news)
            self.say(ywebsocket.awareness(writing.presence(news)))

    def _control(self, body: dict[str, Any]) -> None:
        if body["type"] == "saved":
            self._acknowledge(body["n"])
        elif body["type"] == "error":
            raise wire.WireError(f"refused by the server: {body}")

    def _acknowledge(self, count: int) -> None:
        while self._acknowledged < count and self._unacknowledged:
            self._acknowledged += 1
            intended = self._unacknowledged.popleft()
            if self.on_ack is not None:
                self.on_ack(intended)

    def _state_vector(self) -> bytes:
        return self.replica.doc.get_state() if self.replica is not None else self.known

    def _fail(self, error: Exception) -> None:
        self.lost = error
        self.cut()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
