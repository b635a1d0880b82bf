"""The update log in Redis, on a real server."""

from collections.abc import AsyncIterator, Iterator

import pytest

from storage.base import UpdateLog
from storage.redis_log import RedisLog
from storage.testing import UpdateLogContract
from tests.servers import Valkey
from tests.storage.redis_parts import fresh_prefix, opened


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture(scope="module")
def syncing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey"), appendfsync="always") as valkey:
        yield valkey


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey"), cluster=True) as valkey:
        yield valkey


@pytest.mark.anyio
class TestRedisLog(UpdateLogContract):
    @pytest.fixture(params=["valkey", "syncing", "cluster"])
    async def log(self, request: pytest.FixtureRequest) -> AsyncIterator[UpdateLog]:
        self.valkey: Valkey = request.getfixturevalue(request.param)
        self.prefix = fresh_prefix()
        async with opened(self.valkey, self.prefix) as log:
            yield log

    async def reopen(self, log: UpdateLog) -> UpdateLog:
        await log.close()
        log = RedisLog(self.valkey.url, node="n1", prefix=self.prefix)
        await log.start()
        return log
