"""The two ways to a client: over our own protocol class, or over any ASGI server, which is slower.

Both take frames that were built once for all clients, hand messages to a receiver as they come, and tell it
when the client reads more slowly than it is written to.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from collab.errors import CloseCode, Rejected
from collab.protocol.framing import message_in
from collab.wire import WIRE, WebSocketProtocol


class Receiver(Protocol):
    """Who is at this end of a socket. Nothing may be raised."""

    def received(self, message: bytes) -> None:
        """A binary message came."""

    def received_text(self) -> None:
        """A text message came, which nobody should send."""

    def choked(self) -> None:
        """The socket is congested now, or gone."""

    def drained(self) -> None:
        """The socket is not congested any more."""

    def ended(self) -> None:
        """The client is gone, or the socket was closed. Called once, at last."""


class Socket(Protocol):
    """One client's socket.

    Attributes:
        congested_since: event-loop time since which the client has not read enough, 0.0 while it does.
    """

    congested_since: float

    @property
    def direct(self) -> Callable[[bytes], object] | None:
        """Writes frames as `send` does, without a look at the socket's state; None if there is no such way.

        Good from `Receiver.drained` to `Receiver.choked`.
        """

    @property
    def congested(self) -> bool:
        """Whether nothing should be sent before `Receiver.drained`."""

    async def run(self, receiver: Receiver) -> None:
        """Hand messages to `receiver` until it is told that all has `ended`, perhaps after the return."""

    def send(self, frame: bytes) -> None:
        """Write a frame (collab.protocol.framing) behind those before it."""

    def pause(self) -> None:
        """Hand over no further message."""

    def resume(self) -> None:
        """Hand over messages again."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Close in peace, behind all that was sent."""

    def abort(self) -> None:
        """End the connection and let go of what waits in its buffers."""


def socket_of(websocket: WebSocket) -> Socket:
    """The fastest way to the client that its server offers."""
    wire = (getattr(websocket, "scope", {}).get("extensions") or {}).get(WIRE)
    return AsgiSocket(websocket) if wire is None or not wire.takes_receiver else RawSocket(wire)


class RawSocket:
    """A socket over our own protocol class. uvloop writes at once what is sent within a turn of the loop."""

    __slots__ = ("_receiver", "_wire", "congested_since")

    def __init__(self, wire: WebSocketProtocol) -> None:
        self.congested_since = 0.0
        self._wire = wire
        self._receiver: Receiver | None = None

    @property
    def direct(self) -> Callable[[bytes], object] | None:
        """See Socket."""
        return None if self._receiver is None else self._wire.transport.write

    @property
    def congested(self) -> bool:
        """See Socket."""
        return self.congested_since > 0.0

    async def run(self, receiver: Receiver) -> None:
        """See Socket."""
        self._receiver = receiver
        self._wire.attach(self, receiver.received)

    def send(self, frame: bytes) -> None:
        """See Socket."""
        self._wire.write(frame)

    def pause(self) -> None:
        """See Socket."""
        self._wire.pause()

    def resume(self) -> None:
        """See Socket."""
        self._wire.resume()

    def close(self, code: CloseCode, reason: str) -> None:
        """See Socket."""
        self._wire.finish(int(code), _short(reason))
        self._end()

    def abort(self) -> None:
        """See Socket."""
        self._wire.transport.abort()
        self._end()

    # From the protocol class (collab.wire.Peer)

    def received_text(self) -> None:
        """A text message came."""
        if self._receiver is not None:
            self._receiver.received_text()

    def choked(self, on: bool) -> None:
        """The transport holds more than it should; or no longer."""
        self.congested_since = asyncio.get_running_loop().time() if on else 0.0
        if self._receiver is None:
            return
        if on:
            self._receiver.choked()
        else:
            self._receiver.drained()

    def lost(self) -> None:
        """The connection is gone."""
        self._end()

    def _end(self) -> None:
        self._wire.detach()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.choked()
            asyncio.get_running_loop().call_soon(receiver.ended)  # whoever closes may be walking over members


class AsgiSocket:
    """A socket behind any ASGI server: one task reads, one writes, one frame at a time."""

    def __init__(self, websocket: WebSocket) -> None:
        self.congested_since = 0.0
        self._websocket = websocket
        self._loop = asyncio.get_running_loop()
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()  # there is something to write, or the socket has to close
        self._reading = asyncio.Event()
        self._reading.set()
        self._closing: tuple[CloseCode, str] | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    direct = None  # a frame at a time is all that it takes

    @property
    def congested(self) -> bool:
        """See Socket."""
        return bool(self._frames) or self.congested_since > 0.0

    async def run(self, receiver: Receiver) -> None:
        """See Socket."""
        self._tasks = (asyncio.create_task(self._read(receiver)), asyncio.create_task(self._write(receiver)))
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.abort()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            receiver.ended()

    def send(self, frame: bytes) -> None:
        """See Socket."""
        self._frames.append(frame)
        self._wake.set()

    def pause(self) -> None:
        """See Socket."""
        self._reading.clear()

    def resume(self) -> None:
        """See Socket."""
        self._reading.set()

    def close(self, code: CloseCode, reason: str) -> None:
        """See Socket."""
        self._closing = (code, reason)
        self._wake.set()

    def abort(self) -> None:
        """See Socket. Without help of the server its buffers live until the peer is gone."""
        for task in self._tasks:
            task.cancel()

    async def _read(self, receiver: Receiver) -> None:
        try:
            while True:
                await self._reading.wait()
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                message = event.get("bytes")
                if message is None:
                    receiver.received_text()
                else:
                    receiver.received(message)
        except WebSocketDisconnect:
            return

    async def _write(self, receiver: Receiver) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                self.congested_since = self._loop.time()
                try:
                    await self._websocket.send_bytes(message_in(self._frames.popleft()))
                except (WebSocketDisconnect, RuntimeError):
                    return  # the client is gone; the reader sees it too
                self.congested_since = 0.0
                if not self._frames:
                    receiver.drained()
            if self._closing is not None:
                await close(self._websocket, *self._closing)
                return


async def receive(websocket: WebSocket) -> bytes:
    """The next binary message, before a receiver takes over. Raises WebSocketDisconnect, Rejected."""
    event: Any = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1005))
    message: bytes | None = event.get("bytes")
    if message is None:
        raise text_refused()
    return message


async def close(websocket: WebSocket, code: CloseCode, reason: str) -> None:
    """Close the socket, if it is still open."""
    if websocket.application_state is not WebSocketState.DISCONNECTED:
        try:
            await websocket.close(int(code), _short(reason))
        except (WebSocketDisconnect, RuntimeError):
            return  # it left first


def text_refused() -> Rejected:
    """What is said to who sends text."""
    return Rejected(CloseCode.MALFORMED, "messages are binary", "text_message")


def _short(reason: str) -> str:
    """A reason has at most 123 bytes on the wire."""
    return reason.encode()[:120].decode(errors="ignore")
