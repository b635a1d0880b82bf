"""Authors, sockets and a server in one process, in simulated time, and Yjs as the judge.

The server's side is the real one from the connection down: what a socket would carry lies in lists here, so
that a test decides which frame arrives when, twice, or never.
"""

import asyncio
import base64
import json
import selectors
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, cast

from pycrdt import Doc, Text, TransactionEvent
from starlette.websockets import WebSocket, WebSocketState

from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.connection import Connection
from collab.document import EMPTY_STATE_VECTOR, Document
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.protocol import ywebsocket
from collab.protocol.messages import Ask, Control, Edit
from collab.settings import Settings
from collab.workers import Workers
from storage.base import ObjectStore, UpdateLog
from storage.loader import load
from storage.testing import HeldLog
from tests.collab.edits import edit
from tests.interop.node import FOLDER

MATERIAL = "m"
_OUTBOX = 1024  # bytes; small, so that a reader that stalls is soon caught up by a diff


class Yjs:
    """tests/node/oracle.mjs: what Yjs shows after some updates."""

    def __enter__(self) -> Self:
        command = ("node", "oracle.mjs")
        self._process = subprocess.Popen(
            command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate()

    def view(self, updates: Sequence[bytes]) -> dict[str, Any]:
        """See tests/node/view.mjs. Raises RuntimeError when Yjs raises."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"updates": [base64.b64encode(update).decode() for update in updates]})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


class _SkippingSelector(selectors.DefaultSelector):
    """Does not wait for timers: it counts the seconds as passed."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self.now += timeout
            timeout = 0
        return super().select(timeout)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it waits for timers, and at once. Needs no real input."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class Wire:
    """The server's end of a socket, with the members of a Starlette WebSocket that a connection uses."""

    def __init__(self) -> None:
        self.application_state = WebSocketState.CONNECTED
        self.arrived: list[bytes] = []  # frames of the server that the client has not looked at
        self.reading = asyncio.Event()  # while clear, the client's buffers are full
        self.reading.set()
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue()

    def feed(self, frame: bytes | None) -> None:
        """A frame from the client; None: the client is gone."""
        self._incoming.put_nowait(frame)

    async def receive(self) -> dict[str, Any]:
        frame = await self._incoming.get()
        if frame is None:
            return {"type": "websocket.disconnect", "code": 1006}
        return {"type": "websocket.receive", "bytes": frame}

    async def send_bytes(self, data: bytes) -> None:
        await self.reading.wait()
        self.arrived.append(data)

    async def close(self, code: int, reason: str) -> None:
        self.application_state = WebSocketState.DISCONNECTED


class Server:
    """One run of the server, over storage that outlives it. `log` can be held."""

    def __init__(self, log: UpdateLog, objects: ObjectStore, folder: Path) -> None:
        self.log = HeldLog(log)
        settings = Settings.model_validate({"outbox_bytes": _OUTBOX})
        self.hub = Hub(settings, Backends(self.log, objects), Workers(), CrashGuard(folder))
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, name: str, wire: Wire) -> None:
        """Serve the client at the other end of `wire`."""
        room = await self.hub.open(MATERIAL, create=True)
        grant = Grant(name, name, Role.EDITOR)
        wire_socket = cast(WebSocket, wire)
        connection = Connection(
            wire_socket, self.hub, room, grant, ours=True, authorise=lambda _: grant, on_end=lambda: None
        )
        connection.greet()
        connection.join()
        self._tasks.append(asyncio.create_task(connection.run()))

    async def stop(self) -> None:
        """Record everything, close the sockets, make snapshots."""
        await self.hub.drain()
        await self.hub.close()
        await self._end()

    async def crash(self) -> None:
        """End at once: what is held never reaches the log."""
        for room in self.hub.rooms.values():
            room.is_closed = True
            room.recorder.close()
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Author:
    """A Yjs client that edits, and sends and reads when it is told to.

    Attributes:
        made: its updates, oldest first.
        outgoing: frames that it has sent and that have not arrived.
        lossy: whether frames of this socket were lost; then only a new socket brings everything.
        saved: updates that the server has acknowledged.
        seen: updates that the server has shown, without a notice that they are not recorded.
    """

    def __init__(self, name: str, client: int, made: list[bytes] | None = None) -> None:
        """`made` can be shared: then it holds the updates of several authors in causal order."""
        self.name = name
        self.doc: Doc[Any] = Doc(client_id=client)
        self.made = [] if made is None else made
        self.outgoing: list[bytes] = []
        self.saved: list[bytes] = []
        self.seen: list[bytes] = []
        self.lossy = False
        self.wire = Wire()
        self._delivered: list[bytes] = []  # edits that have arrived over this wire
        self._saved_here = 0  # of those, how many are acknowledged
        self._server_state = EMPTY_STATE_VECTOR
        self._unrecorded = False  # the server shows what is not recorded
        self._editing = False
        self._subscription = self.doc.observe(self._keep)

    def edit(self, random: Random) -> None:
        """A random transaction."""
        self.change(lambda doc: edit(doc, random))

    def insert(self, words: str) -> None:
        """Append to the text."""
        self.change(lambda doc: doc.get("text", type=Text).insert(len(self.text.encode()), words))

    def change(self, change: Callable[[Doc[Any]], object]) -> None:
        """Do `change` in one transaction."""
        self._editing = True
        with self.doc.transaction():
            change(self.doc)
        self._editing = False

    @property
    def text(self) -> str:
        """What the text shows."""
        return str(self.doc.get("text", type=Text))

    async def connect(self, server: Server) -> None:
        """Open a new socket; what was under way on the old one is lost."""
        self.wire.feed(None)
        self.wire.reading.set()
        self.wire = Wire()
        self.lossy = False
        self._delivered = []
        self._saved_here = 0
        self._unrecorded = False
        await server.connect(self.name, self.wire)
        self.outgoing = [ywebsocket.step1(self.doc.get_state())]

    def deliver(self, index: int, *, again: bool = False) -> None:
        """Let one outgoing frame arrive, and keep it to arrive again."""
        self.give(self.outgoing[index] if again else self.outgoing.pop(index))

    def give(self, frame: bytes) -> None:
        """Let any frame arrive at the server."""
        message = ywebsocket.decode(frame)
        if isinstance(message, Edit):
            self._delivered.append(message.update)
        self.wire.feed(frame)

    def deliver_all(self) -> None:
        """Let all outgoing frames arrive, in order."""
        while self.outgoing:
            self.deliver(0)

    def lose(self, index: int) -> None:
        """One outgoing frame never arrives."""
        del self.outgoing[index]
        self.lossy = True

    @property
    def is_saved(self) -> bool:
        """Whether everything that arrived is acknowledged."""
        return self._saved_here == len(self._delivered)

    def learn(self, other: "Author") -> None:
        """Take over what `other` shows, as two tabs of one browser do."""
        self.doc.apply_update(other.doc.get_update(self.doc.get_state()))

    def read(self, count: int) -> None:
        """Look at the oldest `count` frames that came."""
        frames, self.wire.arrived = self.wire.arrived[:count], self.wire.arrived[count:]
        for frame in frames:
            self._receive(frame)

    def read_all(self) -> None:
        """Look at all frames that came."""
        self.read(len(self.wire.arrived))

    def resync(self) -> None:
        """Send all that the server lacked when it last said what it has, and ask for the rest."""
        self.outgoing.append(ywebsocket.step2(self.doc.get_update(self._server_state)))
        self.outgoing.append(ywebsocket.step1(self.doc.get_state()))

    def _receive(self, frame: bytes) -> None:
        match ywebsocket.decode(frame):
            case Edit(update):
                self.doc.apply_update(update)
                if not self._unrecorded:
                    self.seen.append(update)
            case Ask(state_vector):
                self._server_state = state_vector
                self.outgoing.append(ywebsocket.step2(self.doc.get_update(state_vector)))
            case Control(body):
                self._told(body)

    def _told(self, body: dict[str, Any]) -> None:
        assert body["type"] != "error", body
        if body["type"] == "saved":
            self.saved += self._delivered[self._saved_here : body["n"]]
            self._saved_here = body["n"]
        elif body["type"] == "unrecorded":
            self._unrecorded = body["on"]

    def _keep(self, event: TransactionEvent) -> None:
        if self._editing:
            self.made.append(event.update)
            self.outgoing.append(ywebsocket.update(event.update))


async def stored(log: UpdateLog, objects: ObjectStore) -> tuple[list[bytes], Document]:
    """What storage holds, as updates and as a document."""
    loaded = await load(MATERIAL, log, objects)
    document = Document()
    document.load(loaded.updates)
    return loaded.updates, document
