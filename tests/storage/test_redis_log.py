"""The update log in Redis, on a real server."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from storage.base import UpdateLog
from storage.errors import Corrupt, Unavailable
from storage.head import STRIDE, Head
from storage.redis_log import RedisLog
from storage.redis_scripts import LIMIT, TRIM
from storage.testing import Receipt, UpdateLogContract, append
from storage.values import ZERO, Cursor
from tests.servers import Valkey
from tests.storage.redis_parts import call, fresh_prefix, opened


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


@pytest.mark.anyio
async def test_prefixes_keep_logs_apart_whatever_characters_they_have(valkey: Valkey) -> None:
    stem = fresh_prefix()
    for prefix in (f"{stem}*", f"{stem}[x]", f"{stem}?", f"{stem}\\x", stem, f"{stem}x"):
        async with opened(valkey, prefix) as log:
            await append(log, prefix, b"x")
            assert await log.documents() == [prefix]


@pytest.mark.anyio
async def test_a_long_log_is_read_whole(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        cursors = [await append(log, "a", str(n).encode()) for n in range(250)]
        assert await log.read("a", ZERO) == [(at, str(n).encode()) for n, at in enumerate(cursors)]
        assert [at for at, _ in await log.read("a", cursors[99])] == cursors[100:]


@pytest.mark.anyio
async def test_a_trim_between_two_pages_leaves_no_hole(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        cursors = [await append(log, "a", bytes([n])) for n in range(250)]
        ask, asked = log._ask, []

        async def trim_after_the_first_page(operation: str, doc: str, command: Any) -> Any:
            reply = await ask(operation, doc, command)
            asked.append(operation)
            if len(asked) == 1:
                await ask("trim", doc, _trim(log, cursors[150]))
            return reply

        monkeypatch.setattr(log, "_ask", trim_after_the_first_page)
        assert [at for at, _ in await log.read("a", ZERO)] == cursors[151:]


def _trim(log: RedisLog, upto: Cursor) -> Any:
    return TRIM.call(log._keys("a"), f"{upto.epoch}-{upto.sequence}")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fields",
    [
        ("e", "x", "t", "5", "s", "12345678", "b", "0"),
        ("e", "x", "t", "5", "b", "0"),
        ("e", "x", "t", "five", "s", "12345678", "b", "0"),
        ("x", ""),
    ],
)
async def test_an_entry_that_is_not_what_was_appended_is_corrupt(
    valkey: Valkey, fields: tuple[str, ...]
) -> None:
    prefix = fresh_prefix()
    async with opened(valkey, prefix) as log:
        await append(log, "a", b"x")
        await call(valkey, "XADD", f"{prefix}:{{a}}:log", "7-1", *fields)
        with pytest.raises(Corrupt) as caught:
            await log.read("a", ZERO)
        assert caught.value.cursor == Cursor(7, 1)
        assert (await log.state("a")).entries == 2
        assert await log.read("a", Cursor(7, 1)) == []


@pytest.mark.anyio
async def test_a_closed_log_says_so(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        await log.close()
        with pytest.raises(Unavailable, match="closed"):
            await append(log, "a", b"x")
        with pytest.raises(Unavailable, match="closed"):
            await log.state("a")


@pytest.mark.anyio
async def test_cursors_are_exact_up_to_the_last_one(valkey: Valkey) -> None:
    """Lua counts in doubles."""
    prefix = fresh_prefix()
    head = Head(given=Cursor(LIMIT - 2, LIMIT - 2 * STRIDE + 1))
    async with opened(valkey, prefix) as log:
        await call(valkey, "HSET", f"{prefix}:{{a}}:head", "given", "-".join(map(str, head.given)))
        previous = head.given
        assert await append(log, "a", b"x") == head.give(ZERO, b"x") > previous
        assert await log.read("a", previous) == [(head.given, b"x")]
        with pytest.raises(Unavailable, match="out of bounds"):
            await append(log, "a", b"y")
        assert (await log.state("a")).last == head.given


@pytest.mark.anyio
@pytest.mark.parametrize("cursor", [Cursor(1, LIMIT), Cursor(LIMIT, 1), Cursor(-1, 0), Cursor(0, -1)])
async def test_cursors_that_lua_cannot_count_are_refused(valkey: Valkey, cursor: Cursor) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        with pytest.raises(ValueError):
            log.append("a", b"x", cursor, Receipt())
        with pytest.raises(ValueError):
            await log.raise_floor("a", cursor)
        with pytest.raises(ValueError):
            log.append("\ud800", b"x", ZERO, Receipt())
