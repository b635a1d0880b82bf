"""An append as something to wait for."""

import asyncio

from storage.base import UpdateLog
from storage.errors import StorageError
from storage.values import Cursor, Level


async def append(
    log: UpdateLog,
    doc: str,
    entry: bytes,
    after: Cursor,
    level: Level | None = None,
    *,
    heals: bool = False,
) -> Cursor:
    """Append one entry and return its cursor once it has reached `level`, by default the log's strongest.

    Raises Unavailable, LostTail; the entry may be in the log all the same.
    """
    wait = _Wait(level or log.strongest)
    log.append(doc, entry, after, wait, heals=heals)
    return await wait.done


class _Wait:
    """The outcome of an append, as a future."""

    def __init__(self, level: Level) -> None:
        self.done: asyncio.Future[Cursor] = asyncio.get_running_loop().create_future()
        self._level = level
        self._cursor: Cursor | None = None

    def recorded(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.reached(Level.RECORDED)

    def reached(self, level: Level) -> None:
        if level is self._level and self._cursor is not None and not self.done.done():
            self.done.set_result(self._cursor)

    def failed(self, error: StorageError) -> None:
        if not self.done.done():
            self.done.set_exception(error)
