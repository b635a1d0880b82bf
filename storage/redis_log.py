"""The update log in Redis or Valkey: one stream per document, written by any number of nodes.

Every append is one script, which also announces the entry to the nodes that follow the document
(`storage.redis_scripts` tells the keys). What it promises is what the server is set up for
(`storage.redis_level`): a kill -9 of the server loses nothing that was recorded, since its append-only file
is written before it answers; a loss of power loses nothing that was synced, and may lose the last second
otherwise; a replica that takes over may lose what was not replicated.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar

import msgpack  # type: ignore[import-untyped]
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from storage.base import Follower, Outcome
from storage.clock import unix_milliseconds
from storage.errors import Corrupt, Unavailable
from storage.head import mark
from storage.redis_level import Promise, examine
from storage.redis_link import FAILURES, Links, Server, disconnect, named, unavailable
from storage.redis_scripts import APPEND, LIMIT, PAGE, RAISE_FLOOR, STATE, TRIM, Command, key
from storage.redis_subscriber import Subscriber
from storage.redis_writer import Append, Writer
from storage.values import ZERO, Announcement, Cursor, Level, LogState, Position

_PAGE = 100  # entries that are read in one go

T = TypeVar("T")

_logger = structlog.get_logger(__name__)


class RedisLog:
    """An UpdateLog on the server at `url` (`redis://`, `rediss://` or `unix://`).

    `await start()` before anything else: it looks at the server, and sets `strongest`.

    Each append is confirmed by `replicas` replicas, where that is not 0. Nothing waits longer than `timeout`
    seconds for the server, an append at most for two such waits. All keys start with `prefix`. A `volatile`
    log may live on a server that keeps nothing over a restart, for tests. `clock` gives Unix time in
    milliseconds.
    """

    shared = True

    def __init__(
        self,
        url: str,
        *,
        node: str,
        replicas: int = 0,
        timeout: float = 2.0,
        prefix: str = "sh",
        volatile: bool = False,
        clock: Callable[[], int] = unix_milliseconds,
    ) -> None:
        self.strongest = Level.RECORDED
        self.node = node
        self._prefix = prefix
        self._replicas = replicas
        self._volatile = volatile
        self._clock = clock
        self._server = Server(url, timeout)
        self._subscriber = Subscriber(self._server)
        self._writer = Writer(self._server, self._greet, replicas, self._subscriber.interrupt)
        self._links = Links(self._server)
        self._closed = False

    async def start(self) -> None:
        """Find out what the server promises.

        Raises StorageError when it may not hold a log, Unavailable when it does not answer.
        """
        connection = None
        try:
            async with asyncio.timeout(self._server.timeout):
                connection = await self._server.connect()
                promise = await self._examine(connection)
        except (RedisError, OSError) as error:
            raise unavailable("open log", "Redis", error) from error
        finally:
            if connection is not None:
                await disconnect(connection)
        self.strongest = self._writer.level = promise.level
        _logger.info("redis log opened", strongest=str(promise.level), reason=promise.reason)

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog. Raises ValueError when `doc` is not encodable as UTF-8, or `after` out of bounds."""
        time = str(self._clock()).encode()
        rest = (time, _checksum(time, entry), self.node)
        command = APPEND.call(self._keys(doc), _text(after), int(heals), mark(entry), entry, *rest)
        if self._closed:
            error = Unavailable("append", doc, "the log is closed")
            asyncio.get_running_loop().call_soon(outcome.failed, error)
        else:
            self._writer.submit(Append(doc, command, outcome, len(entry)))

    async def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        head, entries, oldest = await self._ask("read state", doc, STATE.call(self._keys(doc)))
        position, written = _position(head[:3]), int(head[3] or 0)
        if not oldest:
            return LogState(*position, entries=0, size=0, oldest=0)
        fields = _fields(oldest[0])
        before, time = (_number(fields.get(name, b"")) for name in (b"b", b"t"))
        return LogState(*position, entries, size=written - before, oldest=time)

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        if not docs:
            return []
        commands = [("HMGET", self._keys(doc)[1], "given", "floor", "trimmed") for doc in docs]
        heads = await self._exchange("read positions", "", *commands)
        return [_position(head) for head in heads]

    async def documents(self) -> list[str]:
        """See UpdateLog."""
        return await self._guarded("list documents", "", named(self._links, self._prefix, "head"))

    async def follow(self, doc: str, follower: Follower) -> None:
        """See UpdateLog."""
        try:
            await self._subscriber.subscribe(
                self._keys(doc)[0], partial(_announce, follower), follower.interrupted
            )
        except FAILURES as error:
            raise unavailable("follow", doc, error) from error

    def unfollow(self, doc: str) -> None:
        """See UpdateLog."""
        self._subscriber.unsubscribe(self._keys(doc)[0])

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        await self._ask("raise floor", doc, RAISE_FLOOR.call(self._keys(doc), _text(floor)))

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog. Raises Corrupt, with its cursor, for an entry that is not what was appended."""
        entries: list[tuple[Cursor, bytes]] = []
        last = after
        while True:
            trimmed, page = await self._ask("read log", doc, PAGE.call(self._keys(doc), _text(last), _PAGE))
            if entries and _cursor(trimmed) > last:  # trimmed between two pages: what went is missing
                entries, last = [], after
                continue
            entries.extend(_entry(doc, row) for row in page)
            if len(page) < _PAGE:
                return entries
            last = entries[-1][0]

    async def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        await self._ask("trim", doc, TRIM.call(self._keys(doc), _text(upto)))

    async def close(self) -> None:
        """See UpdateLog. Idempotent; later calls fail with Unavailable."""
        self._closed = True
        await self._writer.close()
        await self._subscriber.close()
        await self._links.close()

    async def _ask(self, operation: str, doc: str, command: Command) -> Any:
        (reply,) = await self._exchange(operation, doc, command)
        return reply

    async def _exchange(self, operation: str, doc: str, *commands: Command) -> list[Any]:
        return await self._guarded(operation, doc, self._links.exchange(*commands))

    async def _guarded(self, operation: str, doc: str, exchange: Coroutine[None, None, T]) -> T:
        if self._closed:
            exchange.close()
            raise Unavailable(operation, doc, "the log is closed")
        try:
            return await exchange
        except FAILURES as error:
            raise unavailable(operation, doc, error) from error

    async def _examine(self, connection: AbstractConnection) -> Promise:
        return await examine(connection, replicas=self._replicas, volatile=self._volatile)

    async def _greet(self, connection: AbstractConnection) -> None:
        """Look again at a server that was away: it may have come back with other settings."""
        promise = await self._examine(connection)
        if self.strongest not in (Level.RECORDED, promise.level):
            cause = f"the log opened as {self.strongest}, and now {promise.reason}"
            raise Unavailable("append", "Redis", cause, hint="restore its settings or restart this node")

    def _keys(self, doc: str) -> tuple[str, str]:
        stem = key(self._prefix, doc)
        return (f"{stem}:log", f"{stem}:head")


def _text(cursor: Cursor) -> str:
    if not (0 <= cursor.epoch < LIMIT and 0 <= cursor.sequence < LIMIT):
        raise ValueError(f"a cursor of the Redis log has numbers below 2^53, not {cursor}")
    return f"{cursor.epoch}-{cursor.sequence}"


def _cursor(text: bytes | None) -> Cursor:
    if text is None:
        return ZERO
    epoch, sequence = text.split(b"-")
    return Cursor(int(epoch), int(sequence))


def _position(head: Sequence[bytes | None]) -> Position:
    given, floor, trimmed = map(_cursor, head)
    return Position(max(given, floor), trimmed)


def _fields(row: Any) -> dict[bytes, bytes]:
    _, flat = row
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _entry(doc: str, row: Any) -> tuple[Cursor, bytes]:
    cursor, fields = _cursor(row[0]), _fields(row)
    entry, time = fields.get(b"e", b""), fields.get(b"t", b"")
    if fields.get(b"s") != _checksum(time, entry):
        raise Corrupt("read log", doc, f"the checksum of entry {cursor} differs", cursor=cursor)
    return cursor, entry


def _number(field: bytes) -> int:
    # Damage shows when the entry is read; until then it must not keep the document from opening.
    return int(field) if field.isdigit() else 0


def _checksum(time: bytes, entry: bytes) -> bytes:
    return blake2b(entry, digest_size=8, salt=blake2b(time, digest_size=16).digest()).digest()


def _announce(follower: Follower, message: bytes) -> None:
    *numbers, node, entry = msgpack.unpackb(message, raw=True)
    previous, cursor = Cursor(*numbers[:2]), Cursor(*numbers[2:])
    follower.announced(Announcement(previous, cursor, node.decode(), entry))
