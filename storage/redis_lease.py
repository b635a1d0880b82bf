"""Leases in Redis or Valkey: a key that expires, and a fencing token that only grows."""

from typing import Any

from storage.redis_link import FAILURES, Links, Server, named, unavailable
from storage.redis_scripts import ACQUIRE, RELEASE, RENEW, Command, key


class RedisLease:
    """A Lease on the server at `url`, as RedisLog takes it; `timeout` and `prefix` as there."""

    def __init__(self, url: str, *, timeout: float = 2.0, prefix: str = "sh") -> None:
        self._prefix = prefix
        self._links = Links(Server(url, timeout), size=2)

    async def acquire(self, name: str, seconds: float) -> int | None:
        """See Lease."""
        token = await self._ask("acquire", name, ACQUIRE.call(self._keys(name), _milliseconds(seconds)))
        return None if token is None else int(token)

    async def renew(self, name: str, token: int, seconds: float) -> bool:
        """See Lease."""
        command = RENEW.call(self._keys(name), token, _milliseconds(seconds))
        return bool(await self._ask("renew", name, command))

    async def release(self, name: str, token: int) -> None:
        """See Lease."""
        await self._ask("release", name, RELEASE.call(self._keys(name), token))

    async def held(self, prefix: str) -> list[str]:
        """See Lease."""
        try:
            return await named(self._links, self._prefix, "lease", prefix)
        except FAILURES as error:
            raise unavailable("list leases", prefix, error) from error

    async def close(self) -> None:
        """Let go of the backend; leases that are held run out."""
        await self._links.close()

    async def _ask(self, operation: str, name: str, command: Command) -> Any:
        try:
            (reply,) = await self._links.exchange(command)
        except FAILURES as error:
            raise unavailable(operation, name, error) from error
        return reply

    def _keys(self, name: str) -> tuple[str, str]:
        stem = key(self._prefix, name)
        return (f"{stem}:lease", f"{stem}:fence")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
