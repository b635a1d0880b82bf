"""A log and objects that a crash interrupts: nothing works from the moment on at which it happens."""

from collections.abc import Awaitable
from typing import TypeVar

from storage.base import ObjectStore, Outcome, UpdateLog
from storage.values import Cursor, LogState

T = TypeVar("T")


class Crash(Exception):
    """The process ended here."""


class Crashing:
    """A log and an object store of which one call, counted over both, takes effect and does not return."""

    def __init__(self, log: UpdateLog, objects: ObjectStore, call: int) -> None:
        self.strongest = log.strongest
        self._log = log
        self._objects = objects
        self._left = call  # calls until the crash

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome) -> None:
        self._log.append(doc, entry, after, outcome)

    async def state(self, doc: str) -> LogState:
        return await self._count(self._log.state(doc))

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        await self._count(self._log.raise_floor(doc, floor))

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        return await self._count(self._log.read(doc, after))

    async def trim(self, doc: str, upto: Cursor) -> None:
        await self._count(self._log.trim(doc, upto))

    async def put(self, name: str, data: bytes) -> None:
        await self._count(self._objects.put(name, data))

    async def get(self, name: str) -> bytes:
        return await self._count(self._objects.get(name))

    async def list(self, prefix: str) -> list[str]:
        return await self._count(self._objects.list(prefix))

    async def delete(self, name: str) -> None:
        await self._count(self._objects.delete(name))

    async def close(self) -> None:
        await self._log.close()

    async def _count(self, call: Awaitable[T]) -> T:
        result = await call
        self._left -= 1
        if self._left == 0:
            raise Crash
        return result
