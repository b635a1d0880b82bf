"""What a Redis server may promise, from its own configuration."""

from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from storage.errors import StorageError
from storage.redis_link import exchange
from storage.redis_scripts import Command
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
    questions: list[Command] = [("INFO",), ("CLUSTER", "INFO"), ("CONFIG", "GET", "appendfsync")]
    info, cluster, setting = await exchange(connection, questions)
    if isinstance(info, ResponseError):
        raise info
    facts = _facts(info) | ({} if isinstance(cluster, ResponseError) else _facts(cluster))
    return judge(facts, _appendfsync(setting), replicas=replicas, volatile=volatile)


def judge(facts: dict[str, str], appendfsync: str, *, replicas: int, volatile: bool) -> Promise:
    """What a server promises whose INFO and CLUSTER INFO say `facts`. Raises StorageError as `examine`."""
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
    if int(facts.get("cluster_size", 1)) > 1:
        raise _refusal("it is one of several servers of a cluster", "use a single server with replicas")
    if policy != "noeviction":
        raise _refusal(
            f"maxmemory-policy {policy} lets Redis delete entries", "set maxmemory-policy noeviction"
        )
    if facts["aof_enabled"] != "1" and not volatile:
        raise _refusal("Redis keeps no append-only file and loses all on a restart", "set appendonly yes")


def _facts(text: bytes) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


def _appendfsync(reply: Any) -> str:
    if isinstance(reply, Exception) or len(reply) < 2:
        return "not told"  # many services forbid CONFIG
    return str(reply[1].decode())


def _refusal(cause: str, hint: str) -> StorageError:
    return StorageError("use", "Redis", cause, hint=hint)
