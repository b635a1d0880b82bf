"""A Yjs client in Python, for load, replay and fault runs.

It speaks the y-websocket dialect, with the JSON messages of `studyhub.v1` where the server has them, and
behaves as y-websocket 3 does: step 1 on opening, step 2 in answer, presence renewed every 15 s, retries with
growing pauses. It applies what comes in the order in which it comes.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pycrdt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from benchmarks.roster import Roster
from collab.protocol import ywebsocket
from collab.protocol.messages import Ask, Awareness, Control, Edit, QueryAwareness

WAIT = 30.0
"""Seconds after which a wait for the server fails."""

_DENIED = b"\x02"  # begins a message that says why an edit was refused
_RENEW = 15.0  # seconds between two sends of the own presence, as in y-protocols
_BACKOFF = (0.2, 2.5)  # seconds, first and longest pause before a retry, as in y-websocket 3


class Client:
    """One client of one document.

    Attributes:
        doc: the document; edit it through `edit` only.
        others: who else is here: client id to presence state.
        retries: whether a lost socket is opened again; may be changed at any time.
        level: the durability level that the server named, "" before and with plain y-websocket.
        unrecorded: whether this socket was told that edits are shown and not recorded.
        sent: updates and step 2s sent on this socket.
        saved: how many of them, from the first on, the server has acknowledged.
        close_code: of the last socket that ended; 1006 without a closing handshake.
        connections: how many sockets were opened so far.
        received: bytes of all frames that came.
    """

    def __init__(
        self,
        url: str,
        room: str,
        *,
        plain: bool = False,
        ticket: str | None = None,
        token: str | None = None,
        retries: bool = False,
        on_saved: Callable[[Any, str], None] | None = None,
    ) -> None:
        """`url` ends before the room's name; `plain` leaves the subprotocol out; `on_saved`: see `edit`."""
        query = "?" + urlencode({"token": token}) if token else ""
        self.address = f"{url.rstrip('/')}/{quote(room, safe='/')}{query}"
        self.doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=random.randrange(1, 2**32))
        self.others: dict[int, Any] = {}
        self.retries = retries
        self.level = ""
        self.unrecorded = False
        self.sent = 0
        self.saved = 0
        self.close_code = 0
        self.connections = 0
        self.received = 0
        self._plain = plain
        self._ticket = ticket
        self._on_saved = on_saved
        self._socket: ClientConnection | None = None
        self._unsaved: deque[tuple[int, Any]] = deque()  # (number on this socket, tag), oldest first
        self._answers = 0  # step 2s received on this socket
        self._presence = Roster(self.doc.client_id, self.others)
        self._tasks: list[asyncio.Task[None]] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._local: list[bytes] | None = None  # collects the updates of an edit under way
        # pycrdt hands out the update of a transaction in an event only; the subscription must be kept.
        self._subscription = self.doc.observe(self._observe)

    @property
    def connected(self) -> bool:
        """Whether a socket is open."""
        return self._socket is not None

    @property
    def synced(self) -> bool:
        """Whether this socket has brought the server's state."""
        return self.connected and self._answers > 0

    @property
    def unsaved(self) -> int:
        """Edits without an acknowledgement; always 0 with plain y-websocket, which has none."""
        return len(self._unsaved)

    @property
    def transport(self) -> asyncio.Transport:
        """The socket's transport, to stop reading or to look at buffers. Raises RuntimeError without one."""
        if self._socket is None:
            raise RuntimeError("not connected")
        return self._socket.transport

    async def connect(self) -> None:
        """Open a socket and wait for the server's state.

        Raises OSError, WebSocketException or TimeoutError; with `retries` it tries for WAIT seconds.
        """
        if not self.retries:
            await self._open()
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._renew())]
        try:
            await self.until(lambda: self.synced)
        except BaseException:
            await self.kill()
            raise

    async def close(self) -> None:
        """Close the socket with a handshake and end all tasks."""
        await self._end(polite=True)

    async def kill(self) -> None:
        """Cut the socket without a word and end all tasks: a client that dies."""
        await self._end(polite=False)

    def cut(self) -> None:
        """Cut the socket without a word; with `retries` the client comes back by itself."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def edit(self, change: Callable[[], object], tag: Any = None) -> None:
        """Change the document in one transaction and send the update, if connected.

        `on_saved(tag, level)` is called once the server has acknowledged the edit, also when that
        happens on a later socket.
        """
        updates: list[bytes] = []
        self._local = updates
        try:
            with self.doc.transaction():
                change()
        finally:
            self._local = None
        for update in updates:
            await self._send_edit(ywebsocket.update(update), tag)

    async def send_update(self, update: bytes, tag: Any = None) -> None:
        """As `edit`, with an update made elsewhere."""
        self.doc.apply_update(update)
        await self._send_edit(ywebsocket.update(update), tag)

    async def set_presence(self, state: Any) -> None:
        """Show `state` (JSON) to the others; None leaves."""
        await self._send(ywebsocket.awareness(self._presence.announce(state)))

    async def send_raw(self, frame: bytes) -> None:
        """Send any bytes as a frame."""
        await self._send(frame)

    async def resync(self) -> None:
        """Ask for what is missing and wait for the answer: all sent before has been read by then."""
        before = self._answers
        await self._send(ywebsocket.step1(self.doc.get_state()))
        await self.until(lambda: self._answers > before)

    async def until(self, condition: Callable[[], bool], within: float = WAIT) -> None:
        """Wait until `condition` holds, tried after every frame, for `within` seconds.

        Raises TimeoutError, or what ended this client.
        """
        async with asyncio.timeout(within):
            while not condition():
                if self._tasks and self._tasks[0].done():
                    self._tasks[0].result()
                    raise ConnectionError(f"{self.address}: closed with {self.close_code}")
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.append(waiter)
                await waiter

    async def until_saved(self, within: float = WAIT) -> None:
        """Wait until the server has acknowledged (plain: read) every edit. Raises TimeoutError."""
        if self._plain:
            await self.resync()
        else:
            await self.until(lambda: not self._unsaved, within)

    async def _open(self) -> None:
        socket = await connect(
            self.address,
            subprotocols=None if self._plain else [Subprotocol(ywebsocket.SUBPROTOCOL)],
            compression=None,
            max_size=None,
            proxy=None,
            close_timeout=1,
        )
        self.sent = self.saved = self._answers = 0
        self.connections += 1
        self._socket = socket
        if not self._plain:
            ticket = {"ticket": self._ticket} if self._ticket else {}
            await socket.send(ywebsocket.control("hello", schema=1, **ticket))
        await socket.send(ywebsocket.step1(self.doc.get_state()))
        if self._presence.state is not None:
            await socket.send(ywebsocket.awareness(self._presence.renew()))

    async def _live(self) -> None:
        try:
            await self._stay_connected()
        finally:
            self._tell()

    async def _stay_connected(self) -> None:
        pause = _BACKOFF[0]
        while True:
            if self._socket is None:
                with contextlib.suppress(OSError, WebSocketException):
                    await self._open()
            if self._socket is not None:
                await self._read(self._socket)
                pause = _BACKOFF[0] if self._answers else pause
                self._lost()
            if not self.retries:
                return
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(pause * 2, _BACKOFF[1])

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                assert isinstance(frame, bytes)
                self.received += len(frame)
                await self._receive(frame)
                self._tell()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW)
            if self._presence.state is not None:
                await self._send(ywebsocket.awareness(self._presence.renew()))

    async def _receive(self, frame: bytes) -> None:
        if frame[:1] == _DENIED:  # y-websocket writes it to its console
            return
        message = ywebsocket.decode(frame)
        match message:
            case Edit(update, step2):
                self.doc.apply_update(update)
                self._answers += step2
            case Ask(state_vector):
                await self._answer(state_vector)
            case Awareness(payload):
                self._presence.receive(payload)
            case QueryAwareness():
                await self._send(ywebsocket.awareness(self._presence.renew()))
            case Control(body):
                self._control(body)

    async def _answer(self, state_vector: bytes) -> None:
        # The answer holds everything that the server lacks, so it stands for all edits sent before.
        number = self.sent + 1
        self._unsaved = deque((number, tag) for _, tag in self._unsaved)
        update = self.doc.get_update(state_vector)
        self.sent = number
        await self._send(ywebsocket.step2(update))

    def _control(self, body: dict[str, Any]) -> None:
        if body["type"] == "ready":
            self.level = body["level"]
        elif body["type"] == "unrecorded":
            self.unrecorded = body["on"]
        elif body["type"] == "saved":
            self.saved = body["n"]
            while self._unsaved and self._unsaved[0][0] <= self.saved:
                _, tag = self._unsaved.popleft()
                if self._on_saved is not None:
                    self._on_saved(tag, body["level"])

    async def _send_edit(self, frame: bytes, tag: Any) -> None:
        if self.connected:
            self.sent += 1
        if not self._plain:
            self._unsaved.append((self.sent if self.connected else _LATER, tag))
        await self._send(frame)

    async def _send(self, frame: bytes) -> None:
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(frame)

    def _observe(self, event: Any) -> None:
        if self._local is not None:
            self._local.append(event.update)

    def _tell(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _lost(self) -> None:
        assert self._socket is not None
        self.close_code = self._socket.close_code or 1006
        self._socket = None
        self.unrecorded = False
        # What was sent on the lost socket is acknowledged with the next step 2, never by its old number.
        self._unsaved = deque((_LATER, tag) for _, tag in self._unsaved)
        self._presence.forget()
        self._tell()

    async def _end(self, *, polite: bool) -> None:
        self.retries = False
        if polite and self._socket is not None:
            await self._socket.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._socket = None


_LATER = 1 << 62  # the number of an edit that no socket has carried yet
