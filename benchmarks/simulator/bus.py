"""A bus between nodes that loses messages, delays them and tells them twice."""

import asyncio
from collections.abc import Callable

from benchmarks.simulator.node_log import NodeLog
from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import Loop, World
from storage.errors import Unavailable

Listener = Callable[[str, bytes], None]

_DELAY = (0.0003, 0.004)  # seconds
_LATE = 3.0  # seconds


class NodeBus:
    """A Bus as one node sees it. It goes through the log's server, and is away when that is."""

    def __init__(
        self, world: World, weather: Weather, everybody: "dict[str, NodeBus]", log: NodeLog, loop: Loop
    ) -> None:
        """`everybody` holds the buses of all nodes by name, this one among them from now on."""
        self.node = log.node
        self._world = world
        self._weather = weather
        self._everybody = everybody
        self._log = log
        self._loop = loop
        self._listeners: dict[str, Listener] = {}
        self._arrivals: dict[str, float] = {}  # of the newest message to each node: they stay in order
        everybody[self.node] = self

    def publish(self, topic: str, message: bytes) -> None:
        """See Bus."""
        if self._loop.is_dead or not self._log.is_reachable:
            return
        for name, other in self._everybody.items():
            if name != self.node and topic in other._listeners and not self._world.chance(self._weather.lost):
                self._deliver(name, other, topic, message)

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """See Bus."""
        await asyncio.sleep(self._world.random.uniform(*_DELAY))
        if not self._log.is_reachable:
            raise Unavailable("subscribe", topic)
        self._listeners[topic] = listener

    def unsubscribe(self, topic: str) -> None:
        """See Bus."""
        self._listeners.pop(topic, None)

    async def close(self) -> None:
        """See Bus."""
        self.leave()

    def leave(self) -> None:
        """The node has died."""
        self._everybody.pop(self.node, None)

    def _deliver(self, name: str, other: "NodeBus", topic: str, message: bytes) -> None:
        delay = self._world.random.uniform(*_DELAY)
        if self._world.chance(self._weather.late):
            delay = self._world.random.uniform(0, _LATE)
        arrival = max(self._arrivals.get(name, 0.0), self._world.now + delay)
        self._arrivals[name] = arrival
        self._world.at(arrival - self._world.now, other.arrive, topic, self.node, message)

    def arrive(self, topic: str, node: str, message: bytes) -> None:
        """A message of another node has come to this machine."""
        self._loop.call_soon(self._hear, topic, node, message)

    def _hear(self, topic: str, node: str, message: bytes) -> None:
        listener = self._listeners.get(topic)
        if listener is not None and self._log.is_reachable:
            listener(node, message)
