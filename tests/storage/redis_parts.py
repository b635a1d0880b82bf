"""What the tests of the Redis backends share: logs on a server, and followers that keep what they hear."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from storage.redis_log import RedisLog
from storage.values import Announcement
from tests.servers import Valkey

_prefixes = (f"t{number}" for number in itertools.count())
TIMEOUT = 1.0  # seconds that the logs of these tests wait for the server


def fresh_prefix() -> str:
    """A prefix of keys that no test used before."""
    return next(_prefixes)


@asynccontextmanager
async def opened(valkey: Valkey, prefix: str, node: str = "n1", **options: object) -> AsyncIterator[RedisLog]:
    """A log on `valkey`, started, and closed afterwards."""
    settings = {"timeout": TIMEOUT, **options}
    log = RedisLog(valkey.url, node=node, prefix=prefix, **settings)  # type: ignore[arg-type]
    try:
        await log.start()
        yield log
    finally:
        await log.close()


class Heard:
    """A Follower that keeps what it was told."""

    def __init__(self) -> None:
        self.announcements: list[Announcement] = []
        self.interruptions = 0

    def announced(self, announcement: Announcement) -> None:
        self.announcements.append(announcement)

    def interrupted(self) -> None:
        self.interruptions += 1

    @property
    def entries(self) -> list[bytes]:
        return [announcement.entry for announcement in self.announcements]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it holds; the timeout of the test ends what never does."""
    while not condition():
        await asyncio.sleep(0.01)


async def call(valkey: Valkey, *words: str) -> bytes:
    """One command on the server, beside the log."""
    return await asyncio.to_thread(valkey.call, *words)


class Monitor:
    """What clients ask of the server while it is entered, without what scripts do inside."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._valkey.port)
        self._writer.write(b"MONITOR\r\n")
        assert await self._reader.readline() == b"+OK\r\n"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def commands(self) -> list[list[str]]:
        """The commands so far, as words."""
        await call(self._valkey, "ECHO", "the end")
        lines = []
        while b'"ECHO" "the end"' not in (line := await self._reader.readline()):
            lines.append(line.decode(errors="replace"))
        outside = [line for line in lines if " lua]" not in line]
        return [re.findall(r'"((?:[^"\\]|\\.)*)"', line) for line in outside]
