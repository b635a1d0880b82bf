"""How often one address may come without a valid token.

Who has one is limited by its session alone: a school is often one address.
"""

import time
from enum import StrEnum
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter

from collab.errors import CloseCode, Rejected
from collab.settings import Settings

_GROUPS = 1 << 12
# Counters of each kind: addresses fall into so many groups, which bounds the memory however many come. The
# storage looks at every counter on every hit, at about 0.1 microseconds each.


class Unknown(StrEnum):
    """What somebody without a valid token does; the value is the label of the metric."""

    TOKEN = "token_requests"
    MATERIAL = "new_materials"
    HANDSHAKE = "failed_handshakes"
    REQUEST = "anonymous_requests"


class TooOften(Rejected):
    """The address, or whoever calls, has used up its share.

    Attributes:
        retry_after: seconds until it has a new one.
    """

    def __init__(
        self,
        label: str,
        retry_after: int,
        reason: str = "too many requests from your network: try again later",
    ) -> None:
        super().__init__(CloseCode.TOO_MANY, reason, label)
        self.retry_after = retry_after


class Rates:
    """Counts per address, in fixed windows that begin with the first request."""

    def __init__(self, settings: Settings, secret: bytes, storage: Storage | None = None) -> None:
        """`secret` keeps others from finding addresses of one group; `storage` may be shared by servers."""
        self._limiter = FixedWindowRateLimiter(storage or MemoryStorage())
        self._key = blake2b(secret).digest()
        rates: dict[Unknown, RateLimitItem | None] = {
            Unknown.TOKEN: _per_minute(settings.tokens_per_minute),
            Unknown.MATERIAL: _per_hour(settings.materials_per_hour),
            Unknown.HANDSHAKE: _per_minute(settings.failed_handshakes_per_minute),
            Unknown.REQUEST: _per_minute(settings.requests_per_minute),
        }
        self._rates = rates

    async def spend(self, what: Unknown, address: str) -> None:
        """Count one more. Raises TooOften when the share of `address` is used up."""
        rate = self._rates[what]
        if rate is None:
            return
        group = self._group(address)
        if not await self._limiter.hit(rate, what, group):
            reset, _ = await self._limiter.get_window_stats(rate, what, group)
            raise TooOften(what, max(1, round(reset - time.time())))

    def _group(self, address: str) -> str:
        digest = blake2b(network_of(address).encode(), key=self._key, digest_size=8).digest()
        return str(int.from_bytes(digest) % _GROUPS)


def network_of(address: str) -> str:
    """What the host at `address` holds: one IPv4 address or 2^64 IPv6 addresses; "" without one."""
    try:
        host = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(host, IPv6Address):
        return str(host)
    return str(host.ipv4_mapped or ip_network((int(host), 64), strict=False))


def _per_minute(count: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(count) if count else None


def _per_hour(count: int) -> RateLimitItem | None:
    return RateLimitItemPerHour(count) if count else None
