"""Appends to the Redis log: group commit, in call order per document.

A group holds one append per document, and the next group is sent when the last one was answered. So an append
is in the log before the next of its document is sent, whatever error replies, reloaded scripts and broken
connections do. Where an append fails, those that wait behind it fail with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from storage.base import Outcome
from storage.errors import LostTail, Unavailable
from storage.redis_link import Greet, Link, Server, call, unavailable
from storage.redis_scripts import Command
from storage.values import Cursor, Level

MAX_QUEUED = 64 * 2**20
"""Bytes of entries that wait; beyond it appends fail at once."""

_MAX_GROUP = 4 * 2**20  # bytes of entries sent in one go; one larger entry goes alone


class Append(NamedTuple):
    """One append that waits for its group."""

    doc: str
    command: Command
    outcome: Outcome
    size: int
    """Bytes of the entry."""

    def fail(self, error: Exception) -> None:
        """Tell the outcome."""
        call(self.outcome.failed, unavailable("append", self.doc, error))


class Writer:
    """Sends appends over one connection, and tells their outcomes.

    `level` is reached by each entry that is recorded; REPLICATED where `replicas` servers confirm it.
    Nothing runs while nothing waits. When the server was away, `on_return` is called and all that waits
    fails: a server that has lost entries must not be given ones that rest on them.
    """

    def __init__(self, server: Server, greet: Greet, replicas: int, on_return: Callable[[], None]) -> None:
        self.level = Level.RECORDED
        self._link = Link(server, greet)
        self._patience = server.timeout
        self._replicas = replicas
        self._on_return = on_return
        self._waiting: dict[str, deque[Append]] = {}  # by document, none of them empty
        self._queued = 0  # bytes of entries that wait or are under way
        self._task: asyncio.Task[None] | None = None

    def submit(self, append: Append) -> None:
        """Send with one of the next groups."""
        if self._queued > MAX_QUEUED:
            error = Unavailable("append", append.doc, "too many entries wait for Redis")
            asyncio.get_running_loop().call_soon(append.outcome.failed, error)
            return
        self._queued += append.size
        self._waiting.setdefault(append.doc, deque()).append(append)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="redis-log")

    async def close(self) -> None:
        """Finish all appends that were submitted; their outcomes are told on return."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._link.close()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._record(self._next_group())
        finally:
            self._task = None

    def _next_group(self) -> list[Append]:
        group: list[Append] = []
        size = 0
        for doc, queue in list(self._waiting.items()):
            if group and size + queue[0].size > _MAX_GROUP:
                break
            group.append(queue.popleft())
            size += group[-1].size
            del self._waiting[doc]  # and back to the end of the line
            if queue:
                self._waiting[doc] = queue
        return group

    async def _record(self, group: list[Append]) -> None:
        try:
            replies = await self._send(group)
        except Exception as error:  # noqa: BLE001 - whatever it was, everyone who waits is told
            self._fail_all(group, error)
            return
        finally:
            self._queued -= sum(append.size for append in group)
        told = zip(group, replies, strict=True)
        recorded = [append for append, reply in told if self._tell(append, reply)]
        if recorded and self.level is not Level.RECORDED:
            await self._strengthen(recorded)

    async def _send(self, group: list[Append]) -> list[Any]:
        if await self._link.renew():
            self._on_return()
            raise Unavailable("append", "Redis", "it was away, and what it holds is looked at first")
        return await self._link.exchange([append.command for append in group], anew=False)

    def _tell(self, append: Append, reply: Any) -> bool:
        """Tell the outcome of one append; whether it was recorded."""
        if isinstance(reply, Exception):
            self._fail(append, reply)
        elif reply is None:
            lost = LostTail("append", append.doc, "the log lacks what the entry rests on")
            call(append.outcome.failed, lost)
        else:
            call(append.outcome.recorded, Cursor(*reply))
            return True
        return False

    async def _strengthen(self, recorded: list[Append]) -> None:
        """Tell that the level is reached: it is with the answer, or when enough replicas confirm it."""
        try:
            if self._replicas:
                await self._replicate()
        except Exception as error:  # noqa: BLE001 - as above
            for append in recorded:
                self._fail(append, error)
            return
        for append in recorded:
            call(append.outcome.reached, self.level)

    async def _replicate(self) -> None:
        milliseconds = int(self._patience * 800)  # less than the exchange may take
        # WAIT counts the writes of its own connection: on a new one it would confirm anything at once.
        (count,) = await self._link.exchange([("WAIT", self._replicas, milliseconds)], anew=False)
        if isinstance(count, Exception):
            raise count
        if count < self._replicas:
            raise Unavailable("replicate", "Redis", f"{count} of {self._replicas} replicas confirmed in time")

    def _fail(self, append: Append, error: Exception) -> None:
        behind = self._waiting.pop(append.doc, ())
        self._queued -= sum(other.size for other in behind)
        for failed in (append, *behind):
            failed.fail(error)

    def _fail_all(self, group: list[Append], error: Exception) -> None:
        """Fail all that waits as well, so that nobody waits for one timeout after the other."""
        behind = [append for queue in self._waiting.values() for append in queue]
        self._waiting.clear()
        self._queued -= sum(append.size for append in behind)
        for failed in (*group, *behind):
            failed.fail(error)
