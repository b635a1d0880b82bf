"""Leases in Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.errors import Unavailable
from storage.redis_lease import RedisLease
from tests.servers import Valkey
from tests.storage.redis_parts import TIMEOUT, call, fresh_prefix


@pytest.fixture
async def lease(valkey: Valkey) -> AsyncIterator[RedisLease]:
    lease = RedisLease(valkey.url, timeout=TIMEOUT, prefix=fresh_prefix())
    yield lease
    await lease.close()


@pytest.mark.anyio
async def test_one_of_many_gets_it(lease: RedisLease) -> None:
    tokens = await asyncio.gather(*(lease.acquire("a", 60) for _ in range(20)))
    assert sum(token is not None for token in tokens) == 1
    assert await lease.acquire("b", 60) is not None


@pytest.mark.anyio
async def test_tokens_grow_over_release_expiry_and_an_emptied_server(
    lease: RedisLease, valkey: Valkey
) -> None:
    tokens = []
    for _ in range(5):
        token = await lease.acquire("a", 60)
        assert token is not None
        tokens.append(token)
        await lease.release("a", token)
    token = await lease.acquire("a", 0.001)
    while token is None or token == tokens[-1]:
        token = await lease.acquire("a", 0.001)
    tokens.append(token)
    while (token := await lease.acquire("a", 60)) is None:
        await asyncio.sleep(0.001)
    tokens.append(token)
    await call(valkey, "FLUSHALL")
    token = await lease.acquire("a", 60)
    assert token is not None
    assert [*tokens, token] == sorted({*tokens, token})


@pytest.mark.anyio
async def test_only_the_holder_renews_and_releases(lease: RedisLease) -> None:
    token = await lease.acquire("a", 60)
    assert token is not None
    assert await lease.renew("a", token, 60)
    for other in (token - 1, token + 1):
        assert not await lease.renew("a", other, 60)
        await lease.release("a", other)
        assert await lease.acquire("a", 60) is None
    await lease.release("a", token)
    assert not await lease.renew("a", token, 60)
    assert await lease.acquire("a", 60) is not None


@pytest.mark.anyio
async def test_those_held_are_listed_by_prefix(lease: RedisLease) -> None:
    names = ["open/ä 1", "open/2", "open", "opened", "o*en/3", "other"]
    tokens = {name: await lease.acquire(name, 60) for name in names}
    assert await lease.held("open/") == ["open/2", "open/ä 1"]
    assert await lease.held("o*") == ["o*en/3"]
    assert await lease.held("") == sorted(names)
    token = tokens["open/2"]
    assert token is not None
    await lease.release("open/2", token)
    assert await lease.acquire("open/4", 0.001) is not None
    while await lease.held("open/") != ["open/ä 1"]:
        await asyncio.sleep(0.001)


@pytest.mark.anyio
async def test_a_renewed_lease_outlives_its_first_time(valkey: Valkey) -> None:
    prefix = fresh_prefix()
    lease = RedisLease(valkey.url, timeout=TIMEOUT, prefix=prefix)
    token = await lease.acquire("a", 5)
    assert token is not None
    assert await lease.renew("a", token, 1000)
    left = await call(valkey, "PTTL", f"{prefix}:{{a}}:lease")
    assert int(left[1:]) > 5000
    await lease.close()


@pytest.mark.anyio
@pytest.mark.parametrize("cluster", [False, True])
async def test_it_survives_a_crash_and_is_unavailable_meanwhile(tmp_path: Path, cluster: bool) -> None:
    with Valkey(tmp_path, cluster=cluster) as valkey:
        lease = RedisLease(valkey.url, timeout=TIMEOUT)
        token = await lease.acquire("a", 60)
        assert token is not None
        await asyncio.to_thread(valkey.kill)
        with pytest.raises(Unavailable):
            await lease.renew("a", token, 60)
        await asyncio.to_thread(valkey.start)
        assert await lease.acquire("a", 60) is None
        assert await lease.renew("a", token, 60)
        await lease.close()
