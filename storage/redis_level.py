"""What a Redis server may promise, from its own configuration."""

from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from storage.errors import StorageError
from storage.redis_link import exchange
from storage.values import Level

_OLDEST = (7, 0)  # sharded channels, and flags of scripts


class Promise(NamedTuple):
    """The strongest level that a server gives."""

    level: Level
    reason: str


async def examine(connection: AbstractConnection, *, replicas: int, volatile: bool) -> Promise:
    """What the server promises. Raises StorageError where it may not hold a log, RedisError, OSError.

    With `replicas` so many confirm each append. With `volatile` it may keep nothing over a restart.
    """
    info, setting = await exchange(connection, [("INFO",), ("CONFIG", "GET", "appendfsync")])
    if isinstance(info, ResponseError):
        raise info
    facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return judge(facts, _appendfsync(setting), replicas=replicas, volatile=volatile)


def judge(facts: dict[str, str], appendfsync: str, *, replicas: int, volatile: bool) -> Promise:
    """What a server promises whose INFO says `facts`. Raises StorageError as `examine`."""
    _refuse(facts, volatile)
    if replicas:
        return Promise(Level.REPLICATED, f"each append is confirmed by replicas, {replicas} of them")
    if facts["aof_enabled"] != "1":
        return Promise(Level.RECORDED, "Redis keeps no append-only file")
    level = Level.SYNCED if appendfsync == "always" else Level.RECORDED
    return Promise(level, f"appendfsync is {appendfsync}")


def _refuse(facts: dict[str, str], volatile: bool) -> None:
    version = tuple(int(part) for part in facts["redis_version"].split(".")[:2])
    policy = facts["maxmemory_policy"]
    if version < _OLDEST:
        raise _refusal(f"Redis {facts['redis_version']} is too old", "use Redis 7.0 or newer, or Valkey")
    if facts["role"] != "master":
        raise _refusal("the server is a replica", "name the primary in the URL")
    if policy != "noeviction":
        raise _refusal(
            f"maxmemory-policy {policy} lets Redis delete entries", "set maxmemory-policy noeviction"
        )
    if facts["aof_enabled"] != "1" and not volatile:
        raise _refusal("Redis keeps no append-only file and loses all on a restart", "set appendonly yes")


def _appendfsync(reply: Any) -> str:
    if isinstance(reply, Exception) or len(reply) < 2:
        return "not told"  # many services forbid CONFIG
    return str(reply[1].decode())


def _refusal(cause: str, hint: str) -> StorageError:
    return StorageError("use", "Redis", cause, hint=hint)
