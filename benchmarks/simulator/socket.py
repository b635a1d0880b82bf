"""A WebSocket between a simulated client and the server's real endpoint."""

import asyncio
from types import SimpleNamespace
from typing import Any, Protocol

from starlette.websockets import WebSocketDisconnect, WebSocketState

from benchmarks.simulator.world import Loop, World
from collab.protocol.ywebsocket import SUBPROTOCOL

_DELAY = (0.001, 0.02)  # seconds that a frame travels
_WINDOW = 4096  # bytes that the client's buffers take
_LOST = 1006


class Peer(Protocol):
    """The client's side."""

    def opened(self, socket: "Socket") -> None:
        """The handshake is done."""

    def received(self, socket: "Socket", frame: bytes) -> None:
        """A frame has come."""

    def closed(self, socket: "Socket", code: int) -> None:
        """The socket is gone."""


class Socket:
    """Frames stay in order; a cut loses those under way.

    The server's end has the members of a Starlette WebSocket that `collab.websocket.endpoint` uses.
    """

    def __init__(
        self, world: World, loop: Loop, peer: Peer, state: object, material: str, *, ours: bool
    ) -> None:
        """`loop` is the server's, `state` what its application holds."""
        self.application_state = WebSocketState.CONNECTED
        self.app = SimpleNamespace(state=state)
        self.headers: dict[str, str] = {}
        self.query_params: dict[str, str] = {}
        self.path_params = {"material": material}
        self.client = None
        self.scope = {"subprotocols": [SUBPROTOCOL] if ours else [], "extensions": {}}
        self.is_silent = False  # a cut that nobody is told of
        self._world = world
        self._loop = loop
        self._peer = peer
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unread: list[bytes] = []  # in the client's buffers while it reads nothing
        self._reading = True
        self._size = 0  # bytes sent and not read
        self._room = asyncio.Event()
        self._room.set()
        self._gone = [False, False]  # the client's end, the server's end
        self._arrivals = [0.0, 0.0]  # of the newest frame to the client, to the server

    # The server's end

    async def accept(self, subprotocol: str | None) -> None:
        """See Starlette."""
        self._travel(0, self._open)

    async def receive(self) -> dict[str, Any]:
        """See Starlette."""
        frame = await self._incoming.get()
        if frame is None:
            self._gone[1] = True
            return {"type": "websocket.disconnect", "code": _LOST}
        return {"type": "websocket.receive", "bytes": frame}

    async def send_bytes(self, data: bytes) -> None:
        """See Starlette; waits while the client's buffers are full."""
        await self._room.wait()
        if self._gone[1]:
            raise WebSocketDisconnect(_LOST)
        self._size += len(data)
        if self._size > _WINDOW:
            self._room.clear()
        self._travel(0, self._arrive, data)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """See Starlette."""
        self.application_state = WebSocketState.DISCONNECTED
        if not self._gone[1]:
            self._gone[1] = True
            self._travel(0, self._lose, code)

    def finish(self) -> None:
        """The endpoint has returned: its server closes what is still open."""
        if not self._gone[1]:
            self._gone[1] = True
            self._travel(0, self._lose, _LOST)

    # The client's end

    def send(self, frame: bytes) -> None:
        """Send a frame to the server."""
        self._travel(1, self._give, frame)

    def leave(self) -> None:
        """Close it in peace."""
        self._gone[0] = True
        self._travel(1, self._give, None)

    def stall(self) -> None:
        """The client reads nothing for now."""
        self._reading = False

    def read_on(self) -> None:
        """It reads again."""
        self._reading = True
        unread, self._unread = self._unread, []
        for frame in unread:
            self._consume(frame)

    # Faults

    def reset(self) -> None:
        """Both ends learn that the connection is gone."""
        self.is_silent = True
        self._world.at(self._world.random.uniform(*_DELAY), self._lose, _LOST)
        self._loop.call_soon(self._incoming.put_nowait, None)
        self._loop.call_soon(self._room.set)

    def vanish(self, client: float, server: float) -> None:
        """Nothing comes through any more; the ends find out after so many seconds."""
        self.is_silent = True
        self._world.at(client, self._lose, _LOST)
        self._world.at(server, self._loop.call_soon, self._hang_up)

    # Travel

    def _hang_up(self) -> None:
        self._gone[1] = True
        self._incoming.put_nowait(None)
        self._room.set()

    def _travel(self, way: int, action: Any, *args: Any) -> None:
        if self.is_silent:
            return
        delay = self._world.random.uniform(*_DELAY)
        self._arrivals[way] = max(self._arrivals[way], self._world.now + delay)
        self._world.at(self._arrivals[way] - self._world.now, self._pass, action, args)

    def _pass(self, action: Any, args: tuple[Any, ...]) -> None:
        if not self.is_silent:
            action(*args)

    def _open(self) -> None:
        if not self._gone[0]:
            self._peer.opened(self)

    def _give(self, frame: bytes | None) -> None:
        self._loop.call_soon(self._incoming.put_nowait, frame)
        if frame is None:
            self._loop.call_soon(self._room.set)

    def _arrive(self, frame: bytes) -> None:
        if self._reading:
            self._consume(frame)
        else:
            self._unread.append(frame)

    def _consume(self, frame: bytes) -> None:
        self._size -= len(frame)
        if self._size <= _WINDOW:
            self._loop.call_soon(self._room.set)
        if not self._gone[0]:
            self._peer.received(self, frame)

    def _lose(self, code: int) -> None:
        if not self._gone[0]:
            self._gone[0] = True
            self._peer.closed(self, code)
