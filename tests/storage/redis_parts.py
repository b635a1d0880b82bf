"""What the tests of the Redis backends share: logs on a server, and followers that keep what they hear."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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
