"""One node: the server's real code over simulated storage, started, paused, drained and killed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from starlette.websockets import WebSocket

from benchmarks.simulator.bus import NodeBus
from benchmarks.simulator.log_server import LogServer
from benchmarks.simulator.node_log import NodeLog
from benchmarks.simulator.objects import Objects
from benchmarks.simulator.socket import Peer, Socket
from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import Loop, World
from collab.auth.bearer import Bearer
from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.room import Room
from collab.settings import Settings
from collab.websocket import endpoint
from collab.workers import Workers
from storage.errors import StorageError
from storage.local_lease import LocalLease
from storage.memory_objects import MemoryObjects

_T = TypeVar("_T")

_RETRY = 0.3  # seconds after which a node that could not start tries again


class InlineWorkers(Workers):
    """Does the work of a worker process in this one, after a delay."""

    @property
    def pool(self) -> Executor:  # type: ignore[override]
        """Only a name: a simulated loop runs what it is given itself."""
        return cast(Executor, self)

    async def run(self, function: Callable[..., _T], *arguments: object) -> _T:
        """See Workers."""
        return cast(_T, await asyncio.get_running_loop().run_in_executor(None, function, *arguments))

    def close(self) -> None:
        """See Workers."""


class Marks(CrashGuard):
    """A crash guard whose folder is a dict, which outlives the node's crashes."""

    def __init__(self, folder: dict[str, int]) -> None:
        self._marks = folder
        self._crashes = {name: 1 + count for name, count in folder.items()}

    def is_suspect(self, material: str) -> bool:
        """See CrashGuard."""
        return self._crashes.get(material, 0) >= 2

    def opened(self, material: str) -> None:
        """See CrashGuard."""
        self._marks[material] = self._crashes.get(material, 0)

    def closed(self, material: str) -> None:
        """See CrashGuard."""
        self._crashes.pop(material, None)
        self._marks.pop(material, None)


class _Hub(Hub):
    """A hub that tells when it lets go of a room."""

    on_forget: Callable[[Room], None]

    def _forget(self, room: Room) -> None:
        self.on_forget(room)
        super()._forget(room)


class _Rates:
    """Counts nothing."""

    async def spend(self, *_: object) -> None:
        """See Rates."""


class _Tokens:
    """Every key is known."""

    async def prepare(self, token: str) -> None:
        """See Tokens."""

    def check_key(self, token: str) -> None:
        """See Tokens."""


class _Door:
    """Lets everybody in under the name that the ticket gives."""

    def __init__(self) -> None:
        self.rates = _Rates()
        self.tokens = _Tokens()

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """See Door."""
        return True

    def bearer(self, token: str, material: str) -> Bearer:
        """See Door."""
        return Bearer.of_grant(Grant(token or "plain", token, Role.EDITOR, create=True, named=bool(token)))


class Common:
    """What all nodes share."""

    def __init__(self, world: World, weather: Weather, server: LogServer, settings: Settings) -> None:
        self.world = world
        self.weather = weather
        self.server = server
        self.settings = settings
        self.store = MemoryObjects()
        self.lease = LocalLease()
        self.buses: dict[str, NodeBus] = {}


class Node:
    """A machine on which the server is started again and again.

    Attributes:
        is_serving: whether it takes connections.
        hub: of the process that runs now.
        log: its way to the log.
    """

    def __init__(self, common: Common, name: str, on_forget: Callable[["Node", Room], None]) -> None:
        """`on_forget` is told of each room that the node lets go of."""
        self.name = name
        self.is_serving = False
        self.hub: Hub | None = None
        self.skew = 0.0
        self._common = common
        self._world = common.world
        self._on_forget = on_forget
        self._starts = 0
        self._marks: dict[str, int] = {}
        self._sockets: dict[Socket, None] = {}
        self._chores: list[asyncio.Task[Any]] = []
        self.paused_until = -1e9
        self.start()

    def start(self) -> None:
        """Start a process with empty memory."""
        common = self._common
        self._starts += 1
        name = f"{self.name}{self._starts}"
        self.loop: Loop = self._world.loop(name)
        self.loop.skew = self.skew
        self.log = NodeLog(self._world, common.weather, common.server, self.loop, name)
        self._bus = NodeBus(self._world, common.weather, common.buses, self.log, self.loop)
        self._watch(self.loop.create_task(self._main()))

    async def _main(self) -> None:
        common = self._common
        while True:
            try:
                await self.log.state("")
            except StorageError:
                await asyncio.sleep(_RETRY)
            else:
                break
        objects = Objects(self._world, common.weather, common.store)
        backends = Backends(self.log, objects, self._bus, common.lease)
        self.hub = hub = _Hub(common.settings, backends, InlineWorkers(), Marks(self._marks))
        hub.on_forget = lambda room: self._on_forget(self, room)
        self._chores = [
            asyncio.create_task(chore) for chore in (hub.keep_house(), hub.keep_level(), hub.peers.run())
        ]
        for chore in self._chores:
            self._watch(chore)
        self.is_serving = True
        self._world.note("node up", self.log.node)

    def accept(self, peer: Peer, material: str, *, ours: bool) -> Socket | None:
        """A client connects; None when nobody listens."""
        if not self.is_serving or self.hub is None:
            return None
        state = SimpleNamespace(hub=self.hub, door=_Door())
        socket = Socket(self._world, self.loop, peer, state, material, ours=ours)
        self._sockets[socket] = None
        task = self.loop.create_task(endpoint(cast(WebSocket, socket)))
        task.add_done_callback(lambda _: self._sockets.pop(socket, None))
        task.add_done_callback(lambda _: socket.finish())
        self._watch(task)
        return socket

    @property
    def sockets(self) -> list[Socket]:
        """Those that are open."""
        return list(self._sockets)

    # Faults

    def crash(self) -> None:
        """kill -9."""
        self._world.note("node killed", self.log.node)
        self._end()

    def pause(self) -> None:
        """SIGSTOP."""
        self.loop.is_paused = True

    def resume(self) -> None:
        """SIGCONT."""
        if self.loop.is_paused:
            self.paused_until = self._world.now
            self.loop.resume()

    def jump(self, seconds: float) -> None:
        """Set the wall clock wrong."""
        self.skew += seconds
        self.loop.skew = self.skew

    def drain(self, then: Callable[[], None]) -> None:
        """SIGTERM; `then` is called when the process has ended."""
        if self.is_serving and self.hub is not None:
            self._watch(self.loop.create_task(self._stop(self.hub, then)))

    async def _stop(self, hub: Hub, then: Callable[[], None]) -> None:
        self.is_serving = False
        await hub.drain()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await hub.close()
        await self.log.close()
        self._world.note("node stopped", self.log.node)
        loop = self.loop
        self._world.at(0.0, lambda: self._ended(loop, then))

    def _ended(self, loop: Loop, then: Callable[[], None]) -> None:
        if loop is self.loop and not loop.is_dead:  # it may have been killed meanwhile
            self._end()
            then()

    def _end(self) -> None:
        self.is_serving = False
        self.hub = None
        self.loop.is_dead = True
        self._common.server.disconnect(self.log)
        self._bus.leave()
        sockets, self._sockets = self._sockets, {}
        for socket in sockets:
            socket.reset()

    def _watch(self, task: asyncio.Task[Any]) -> None:
        task.add_done_callback(self._check)

    def _check(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None and not self._world.is_over:
            self._world.fail(f"{self.log.node}: {task.get_coro()}: {task.exception()!r}")
