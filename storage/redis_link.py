"""Connections to Redis or Valkey: every wait is finite, and nothing is sent twice.

redis-py's own retries are off: they would hide a dead server for seconds, and repeat writes out of order.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterError,
    ConnectionError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from storage.errors import StorageError, Unavailable
from storage.redis_scripts import Command, decode_name, with_source

FAILURES = (RedisError, OSError, StorageError)
"""What an exchange raises; redis-py's errors are its own, a timeout of asyncio is an OSError."""

Greet = Callable[[AbstractConnection], Awaitable[None]]
"""Looks at the server behind a connection just made; may raise any of FAILURES."""

_FORM = "its form is redis://user:password@host:6379/0, special characters as %2F and the like"
_SCAN = 1000  # keys that the server looks at in one go

_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (OutOfMemoryError, "Redis is full: raise its maxmemory"),
    (ReadOnlyError, "the URL names a replica: name the primary"),
    (AuthenticationError, "check the user name and the password in the URL"),
    (NoPermissionError, "allow this user the commands and keys of the log"),
    (BusyLoadingError, "Redis is still loading its data"),
    (MovedError, "name a single server or a cluster of one"),
    (ClusterError, "let the cluster serve all slots"),
    (ConnectionError, "check that Redis runs and that the URL names it"),
    (OSError, "check that Redis runs and answers"),
)


def unavailable(operation: str, name: str, error: Exception) -> Unavailable:
    """What a failed exchange means to its caller."""
    if isinstance(error, StorageError):
        return Unavailable(operation, name, error)
    hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "")
    if str(error).startswith("MISCONF"):
        hint = "Redis cannot write to its disk"
    return Unavailable(operation, name, str(error) or "no answer in time", hint=hint)


class Server:
    """Where Redis is, and how long to wait for it: `timeout` seconds for everything that it is asked.

    `url` is `redis://`, `rediss://` (TLS) or `unix://`, as redis-py defines them. Raises ValueError.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.timeout = timeout
        options: dict[str, Any] = {"protocol": 2, "socket_timeout": None, "socket_connect_timeout": timeout}
        try:
            self._pool: ConnectionPool = ConnectionPool.from_url(url, **options)
        except ValueError:  # which quotes what it takes for the port, perhaps a part of the password
            raise ValueError(f"not a URL of Redis: {_FORM}") from None

    async def connect(self) -> AbstractConnection:
        """A new connection, ready for commands. Raises RedisError, OSError."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self.timeout):
                await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await disconnect(connection)
            raise
        return connection


class Link:
    """One connection, made when first needed and again after a failure. One exchange at a time.

    `greet` looks at the server behind every new connection.
    """

    def __init__(self, server: Server, greet: Greet | None = None) -> None:
        self._server = server
        self._greet = greet
        self._connection: AbstractConnection | None = None
        self._used = False  # there was a connection before

    async def renew(self) -> bool:
        """Make sure that there is a connection; whether this is another than the last time.

        Raises FAILURES.
        """
        try:
            async with asyncio.timeout(self._server.timeout):
                before = self._connection
                after = await self._connected()
        except BaseException:
            await self.close()
            raise
        again, self._used = self._used and after is not before, True
        return again

    async def exchange(self, commands: Sequence[Command], *, anew: bool = True) -> list[Any]:
        """Send `commands` in one go; their replies in order, error replies among them as exceptions.

        Scripts that the server does not know are called again with their source, after all other commands.
        Raises FAILURES; then each command may or may not have been carried out, and the next exchange starts
        on a new connection. Without `anew` it fails where that of the last exchange is gone.
        """
        try:
            async with asyncio.timeout(self._server.timeout):
                connection = await self._connected() if anew else self._same()
                replies = await exchange(connection, commands)
                unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
                if unknown:
                    again = await exchange(connection, [with_source(commands[at]) for at in unknown])
                    for at, reply in zip(unknown, again, strict=True):
                        replies[at] = reply
                return replies
        except BaseException:
            await self.close()  # half an answer must not be read as the next one's
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await disconnect(connection)

    async def _connected(self) -> AbstractConnection:
        if self._connection is not None and await self._connection.can_read():
            await self.close()  # the server has ended it
        if self._connection is None:
            connection = await self._server.connect()
            self._connection = connection
            if self._greet is not None:
                await self._greet(connection)
        return self._connection

    def _same(self) -> AbstractConnection:
        if self._connection is None:
            raise ConnectionError("the connection was lost")
        return self._connection


class Links:
    """As Link, for several exchanges at a time: at most `size`, further ones wait for their turn."""

    def __init__(self, server: Server, size: int = 8) -> None:
        self._server = server
        self._free = [Link(server) for _ in range(size)]
        self._turns = asyncio.Semaphore(size)
        self._closed = False

    async def exchange(self, *commands: Command) -> list[Any]:
        """As Link.exchange; raises the first of the error replies."""
        async with asyncio.timeout(self._server.timeout), self._turns:
            link = self._free.pop()
            try:
                replies = await link.exchange(commands)
            finally:
                self._free.append(link)
                if self._closed:
                    await link.close()
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def close(self) -> None:
        """Let go of all connections, of those in use when they are free."""
        self._closed = True
        for link in self._free:
            await link.close()


async def named(links: Links, prefix: str, kind: str, start: str = "") -> list[str]:
    """The names, sorted, that start with `start` and have a key of that kind. Raises FAILURES."""
    front, back = f"{prefix}:{{".encode(), f"}}:{kind}".encode()
    pattern = _literally(front) + quote(start, safe="").encode() + b"*" + back
    found: set[bytes] = set()  # SCAN may name a key twice
    cursor = b"0"
    while True:
        ((cursor, keys),) = await links.exchange(("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN))
        found.update(key.removeprefix(front).removesuffix(back) for key in keys)
        if cursor == b"0":
            return sorted(decode_name(name.decode()) for name in found)


async def exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    """The replies to `commands`, error replies as exceptions. Raises RedisError, OSError."""
    await send(connection, commands)
    return [await _reply(connection) for _ in commands]


async def send(connection: AbstractConnection, commands: Sequence[Command]) -> None:
    """Send `commands` in one go. Raises RedisError, OSError."""
    # hiredis packs a command in a tenth of the time that redis-py takes.
    packed = [pack_command(command) for command in commands]  # type: ignore[arg-type] # its stub allows one word
    await connection.send_packed_command(b"".join(packed))


async def disconnect(connection: AbstractConnection) -> None:
    """Let go of a connection, whatever state it is in."""
    with contextlib.suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)


def call(function: Callable[..., None], *arguments: object) -> None:
    """Tell somebody something; one caller's fault must not hide what the others are told."""
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 - reported as asyncio reports the faults of callbacks
        context = {"message": "a callback of the log raised", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)


def _literally(text: bytes) -> bytes:
    """`text` for the patterns of SCAN, in which it stands for itself."""
    return re.sub(rb"([*?\[\]\\])", rb"\\\1", text)


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
