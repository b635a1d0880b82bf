"""A Redis server is looked at before it holds a log, and promises no more than it gives."""

from pathlib import Path

import pytest

from storage.errors import StorageError, Unavailable
from storage.redis_level import judge
from storage.redis_log import RedisLog
from storage.testing import append
from storage.values import Level
from tests.servers import Valkey
from tests.storage.redis_parts import call, opened

GOOD = {"redis_version": "7.0.0", "maxmemory_policy": "noeviction", "role": "master", "aof_enabled": "1"}


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"redis_version": "6.2.14"}, "too old.*use Redis 7.0"),
        ({"role": "slave"}, "replica.*name the primary"),
        ({"maxmemory_policy": "allkeys-lru"}, "delete entries.*set maxmemory-policy noeviction"),
        ({"cluster_size": "3"}, "several servers of a cluster.*single server"),
        ({"aof_enabled": "0"}, "no append-only file.*set appendonly yes"),
    ],
)
def test_a_server_that_may_not_hold_a_log_is_refused(facts: dict[str, str], cause: str) -> None:
    with pytest.raises(StorageError, match=cause) as caught:
        judge(GOOD | facts, "always", replicas=1, volatile=False)
    assert not isinstance(caught.value, Unavailable)


@pytest.mark.parametrize(
    ("appendfsync", "replicas", "level"),
    [
        ("always", 0, Level.SYNCED),
        ("everysec", 0, Level.RECORDED),
        ("no", 0, Level.RECORDED),
        ("not told", 0, Level.RECORDED),
        ("everysec", 2, Level.REPLICATED),
        ("always", 1, Level.REPLICATED),
    ],
)
def test_the_level_is_what_the_settings_give(appendfsync: str, replicas: int, level: Level) -> None:
    promise = judge(GOOD, appendfsync, replicas=replicas, volatile=False)
    assert promise.level is level
    assert (str(replicas) if replicas else appendfsync) in promise.reason


@pytest.mark.anyio
async def test_a_server_without_a_file_serves_a_volatile_log_alone(tmp_path: Path) -> None:
    with Valkey(tmp_path, appendonly=False, appendfsync="always") as valkey:
        with pytest.raises(StorageError, match="append-only file"):
            await RedisLog(valkey.url, node="n1").start()
        async with opened(valkey, "sh", volatile=True) as log:
            assert log.strongest is Level.RECORDED
            await append(log, "a", b"x")


@pytest.mark.anyio
async def test_start_reads_the_settings_of_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Valkey(tmp_path, appendfsync="always") as valkey:
        async with opened(valkey, "sh") as log:
            assert log.strongest is Level.SYNCED
        assert "appendfsync is always" in capsys.readouterr().out
        await call(valkey, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        with pytest.raises(StorageError, match="noeviction"):
            await RedisLog(valkey.url, node="n1").start()


@pytest.mark.anyio
async def test_a_server_that_hides_its_settings_is_not_trusted_with_more(tmp_path: Path) -> None:
    with Valkey(tmp_path, appendfsync="always") as valkey:
        await call(valkey, "ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", "-config")
        url = valkey.url.replace("//", "//app:secret@")
        log = RedisLog(url, node="n1")
        await log.start()
        assert log.strongest is Level.RECORDED
        await append(log, "a", b"x")
        await log.close()
        with pytest.raises(Unavailable, match="check the user name and the password"):
            await RedisLog(url.replace("secret", "wrong"), node="n1").start()


@pytest.mark.anyio
async def test_a_server_that_comes_back_promising_less_gets_no_appends(tmp_path: Path) -> None:
    with Valkey(tmp_path, appendfsync="always") as valkey:
        async with opened(valkey, "sh") as log:
            await append(log, "a", b"x")
            await call(valkey, "CONFIG", "SET", "appendfsync", "everysec")
            await call(valkey, "CLIENT", "KILL", "TYPE", "normal")
            with pytest.raises(Unavailable, match="opened as synced, and now appendfsync is everysec"):
                await append(log, "a", b"y")
            await call(valkey, "CONFIG", "SET", "appendfsync", "always")
            with pytest.raises(Unavailable, match="it was away"):
                await append(log, "a", b"z")
            await append(log, "a", b"z")


@pytest.mark.anyio
async def test_a_unix_socket_serves_too(tmp_path: Path) -> None:
    socket = tmp_path / "s"
    with Valkey(tmp_path, extra=("--unixsocket", str(socket))):
        log = RedisLog(f"unix://{socket}", node="n1")
        await log.start()
        await append(log, "a", b"x")
        await log.close()


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", ""])
def test_a_url_of_another_kind_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        RedisLog(url, node="n1")
