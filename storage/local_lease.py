"""Leases within one process."""

import asyncio
from itertools import count


class LocalLease:
    """A Lease in memory. Share one object between the nodes of a process."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, float]] = {}  # token and event-loop time of its end
        self._tokens = count(1)

    async def acquire(self, name: str, seconds: float) -> int | None:
        """See Lease."""
        now = asyncio.get_running_loop().time()
        self._held = {held: lease for held, lease in self._held.items() if lease[1] > now}
        if name in self._held:
            return None
        token = next(self._tokens)
        self._held[name] = (token, now + seconds)
        return token

    async def renew(self, name: str, token: int, seconds: float) -> bool:
        """See Lease."""
        now = asyncio.get_running_loop().time()
        held, until = self._held.get(name, (0, 0.0))
        if held != token or until <= now:
            return False
        self._held[name] = (token, now + seconds)
        return True

    async def release(self, name: str, token: int) -> None:
        """See Lease."""
        if self._held.get(name, (0, 0.0))[0] == token:
            del self._held[name]

    async def held(self, prefix: str) -> list[str]:
        """See Lease."""
        now = asyncio.get_running_loop().time()
        return sorted(
            name for name, (_, until) in self._held.items() if name.startswith(prefix) and until > now
        )
