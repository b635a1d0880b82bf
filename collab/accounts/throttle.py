"""Slows down who guesses. Counts live in this process, and their memory is bounded."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from collab.auth.rates import TooOften

_FORGET = 3600.0  # seconds after the last attempt
_SIZE = 20_000  # keys; beyond it the one tried longest ago is forgotten


@dataclass(slots=True)
class _Attempts:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class Throttle:
    """After `free` attempts each one more costs a wait that doubles from one second to `longest` seconds."""

    def __init__(
        self, free: int, longest: float, *, size: int = _SIZE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = free
        self._longest = longest
        self._size = size
        self._clock = clock
        self._attempts: OrderedDict[bytes, _Attempts] = OrderedDict()

    def spend(self, key: str) -> None:
        """Count an attempt, before it is known how it ends. Raises TooOften during a wait."""
        now, hashed = self._clock(), _hashed(key)
        attempts = self._attempts.setdefault(hashed, _Attempts())
        self._attempts.move_to_end(hashed)
        if len(self._attempts) > self._size:
            self._attempts.popitem(last=False)
        if now < attempts.until:
            raise TooOften("throttled", math.ceil(attempts.until - now), "too many attempts: try again later")
        if now - attempts.last > _FORGET:
            attempts.count = 0
        attempts.count += 1
        attempts.last = now
        over = attempts.count - self._free
        if over >= 0:
            attempts.until = now + min(self._longest, 2.0 ** min(over, 30))

    def refund(self, key: str) -> None:
        """Take back one attempt, which was no guess."""
        attempts = self._attempts.get(_hashed(key))
        if attempts is not None:
            attempts.count = max(0, attempts.count - 1)

    def forget(self, key: str) -> None:
        """Begin anew for `key`: whoever it was has proved who they are."""
        self._attempts.pop(_hashed(key), None)


def _hashed(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
