"""An object store that is slow, refuses, loses objects and returns wrong bytes."""

import asyncio

from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import World
from storage.errors import Unavailable
from storage.memory_objects import MemoryObjects


class Objects:
    """An ObjectStore over `store`, which all nodes share."""

    def __init__(self, world: World, weather: Weather, store: MemoryObjects) -> None:
        self._world = world
        self._weather = weather
        self._store = store

    async def put(self, name: str, data: bytes) -> None:
        """See ObjectStore."""
        await self._travel("put", name)
        await self._store.put(name, data)
        self._world.note("put", f"{name.split('-')[0][:60]}")
        await self._travel("put", name)

    async def get(self, name: str) -> bytes:
        """See ObjectStore."""
        await self._travel("get", name)
        data = await self._store.get(name)
        if not self._world.chance(self._weather.flipped):
            return data
        self._world.note("flipped", name.split("/")[0])
        at = self._world.random.randrange(len(data))
        return data[:at] + bytes((data[at] ^ 1 << self._world.random.randrange(8),)) + data[at + 1 :]

    async def list(self, prefix: str) -> list[str]:
        """See ObjectStore."""
        await self._travel("list", prefix)
        return await self._store.list(prefix)

    async def delete(self, name: str) -> None:
        """See ObjectStore."""
        await self._travel("delete", name)
        await self._store.delete(name)
        await self._travel("delete", name)

    async def _travel(self, operation: str, name: str) -> None:
        await asyncio.sleep(self._world.random.uniform(0.001, self._weather.slowness))
        if self._world.chance(self._weather.refused):
            raise Unavailable(operation, name, "slow down")
