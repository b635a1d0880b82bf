"""The log as one node sees it: requests, answers and announcements travel, and are lost."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from benchmarks.simulator.log_server import LogServer
from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import Loop, World
from storage.base import Follower, Outcome
from storage.errors import StorageError, Unavailable
from storage.values import Announcement, Cursor, Level, LogState, Position

T = TypeVar("T")

_PATIENCE = 2.0  # seconds that a request waits for its answer
_DELAY = (0.0003, 0.004)  # seconds that a message travels
_LATE = 3.0  # seconds that a late announcement takes at most
_RETRY = (0.05, 0.4)  # seconds between two tries to connect
_DELIVERED = 0.4  # probability that a request arrives once a partition is over


@dataclass(eq=False)
class _Request:
    effect: Callable[[], Any]
    done: Callable[[Any], None]
    """Told the result, or the StorageError."""
    name: str
    timer: asyncio.TimerHandle | None = None


class NodeLog:
    """An UpdateLog on a LogServer.

    After an outage every follower is told `interrupted` before any append is sent on the new connection;
    appends fail at once in between.

    Attributes:
        is_cut: whether the network lets nothing through.
        away_until: when the log was last out of reach, world time.
    """

    shared = True

    def __init__(self, world: World, weather: Weather, server: LogServer, loop: Loop, node: str) -> None:
        self.strongest = server.strongest
        self.node = node
        self.is_cut = False
        self.away_until = -1e9
        self._world = world
        self._weather = weather
        self._server = server
        self._loop = loop
        self._followers: dict[str, Follower] = {}
        self._under_way: dict[_Request, None] = {}
        self._stuck: list[_Request] = []  # in the buffers of a network that is cut
        self._connected = True
        self._incarnation = server.connect(self)
        self._arrival = self._answered = 0.0  # of the newest message each way: they stay in order

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        time = self._loop.wall()
        effect = partial(self._server.append, doc, entry, after, self.node, time, heals=heals)
        if self._connected:
            self._send(effect, partial(self._appended, outcome), f"append {doc}")
        else:
            self._loop.call_soon(outcome.failed, Unavailable("append", doc, "not connected"))

    async def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        return await self._ask("state", doc, partial(self._server.state, doc))

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        return await self._ask("positions", "", partial(self._server.positions, docs))

    async def documents(self) -> list[str]:
        """See UpdateLog."""
        return await self._ask("documents", "", self._server.documents)

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        await self._ask("raise floor", doc, partial(self._server.raise_floor, doc, floor))

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog."""
        return await self._ask("read", doc, partial(self._server.read, doc, after))

    async def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        await self._ask("trim", doc, partial(self._server.trim, doc, upto))

    async def follow(self, doc: str, follower: Follower) -> None:
        """See UpdateLog."""
        self._followers[doc] = follower
        try:
            await self._ask("follow", doc, partial(self._server.subscribe, doc, self))
        except BaseException:
            if self._followers.get(doc) is follower:
                self.unfollow(doc)
            raise

    def unfollow(self, doc: str) -> None:
        """See UpdateLog."""
        self._followers.pop(doc, None)
        self._server.unsubscribe(doc, self)

    async def close(self) -> None:
        """See UpdateLog."""
        while self._under_way:  # noqa: ASYNC110 - it lasts milliseconds, once
            await asyncio.sleep(0.01)
        self._server.disconnect(self)

    # The network

    @property
    def is_reachable(self) -> bool:
        """Whether requests come through now."""
        return self._server.answers and not self.is_cut

    def mend(self) -> None:
        """The network lets everything through again; some of what it holds arrives after all."""
        self.is_cut = False
        stuck, self._stuck = self._stuck, []
        for request in stuck:
            self._arrive(request, self._incarnation)

    def reset(self) -> None:
        """The server has gone (from LogServer)."""
        self._loop.call_soon(self._break)

    def hear(self, doc: str, announcement: Announcement) -> None:
        """An announcement is sent (from LogServer)."""
        weather, world = self._weather, self._world
        if self.is_cut or world.chance(weather.lost):
            return
        for _ in range(2 if world.chance(weather.twice) else 1):
            delay = world.random.uniform(*_DELAY)
            if world.chance(weather.late):
                delay = world.random.uniform(0, _LATE)
            world.at(delay, self._loop.call_soon, self._announce, doc, announcement)

    def _announce(self, doc: str, announcement: Announcement) -> None:
        follower = self._followers.get(doc)
        if follower is not None:
            follower.announced(announcement)

    async def _ask(self, operation: str, doc: str, effect: Callable[[], T]) -> T:
        if not self._connected:
            await asyncio.sleep(self._world.random.uniform(*_DELAY))
            raise Unavailable(operation, doc, "not connected")
        answer: asyncio.Future[T] = self._loop.create_future()

        def done(result: Any) -> None:
            if answer.done():
                return
            if isinstance(result, StorageError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self._send(effect, done, f"{operation} {doc}")
        return await answer

    def _send(self, effect: Callable[[], Any], done: Callable[[Any], None], name: str) -> None:
        request = _Request(effect, done, name)
        self._under_way[request] = None
        request.timer = self._loop.call_later(_PATIENCE, self._break)
        self._arrival = max(self._arrival, self._world.now + self._world.random.uniform(*_DELAY))
        self._world.at(self._arrival - self._world.now, self._arrive, request, self._incarnation)

    def _arrive(self, request: _Request, incarnation: int) -> None:
        if not self.is_cut:
            self._server.take(partial(self._execute, request), incarnation)
        elif self._world.chance(_DELIVERED):
            self._stuck.append(request)

    def _execute(self, request: _Request) -> None:
        try:
            result = request.effect()
        except StorageError as error:
            result = error
        if self._world.chance(self._weather.answers_lost):
            self._world.note("answer lost", f"{self.node} {request.name}")
        elif not self.is_cut:
            self._answered = max(self._answered, self._world.now + self._world.random.uniform(*_DELAY))
            delay = self._answered - self._world.now
            self._world.at(delay, self._loop.call_soon, self._settle, request, result)

    def _settle(self, request: _Request, result: Any) -> None:
        if request in self._under_way:
            del self._under_way[request]
            if request.timer is not None:
                request.timer.cancel()
            request.done(result)

    def _appended(self, outcome: Outcome, result: Any) -> None:
        if isinstance(result, StorageError):
            outcome.failed(result)
            return
        outcome.recorded(result)
        if self.strongest is Level.SYNCED:
            outcome.reached(Level.SYNCED)
        elif self.strongest is Level.REPLICATED and self._world.chance(self._weather.unconfirmed):
            error = Unavailable("replicate", "", "no replica confirms")
            self._loop.call_later(self._world.random.uniform(0.001, 0.05), outcome.failed, error)
        elif self.strongest is Level.REPLICATED:
            delay = self._world.random.uniform(*_DELAY)
            self._loop.call_later(delay, outcome.reached, Level.REPLICATED)

    # The connection

    def _break(self) -> None:
        """Give the connection up; all that it carried has failed."""
        if not self._connected:
            return
        self._world.note("log away", self.node)
        self._connected = False
        self._server.disconnect(self)
        under_way, self._under_way = self._under_way, {}
        for request in under_way:
            if request.timer is not None:
                request.timer.cancel()
            request.done(Unavailable(request.name, "", "the connection broke"))
        self._loop.call_later(self._world.random.uniform(*_RETRY), self._reconnect)

    def _reconnect(self) -> None:
        if not self.is_reachable:
            self._loop.call_later(self._world.random.uniform(*_RETRY), self._reconnect)
            return
        self._incarnation = self._server.connect(self)
        for doc in self._followers:
            self._server.subscribe(doc, self)
        self.away_until = self._world.now
        self._world.note("log back", self.node)
        for follower in list(self._followers.values()):
            follower.interrupted()
        self._connected = True
