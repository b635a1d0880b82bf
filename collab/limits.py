"""Bounds that a client runs into, each with its effect."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds per session and document; the settings of the same names fill them."""

    update_bytes: int = 1 << 20
    """One update; beyond it the socket closes with 4413."""
    step2_bytes: int = 8 << 20
    """One sync step 2, a long offline session; beyond it 4413."""
    presence_bytes: int = 1 << 20
    """One awareness message; unmodified clients send back what they receive. Beyond it 4413."""
    document_bytes: int = 8 << 20
    """One encoded document; edits beyond it are refused with 4413."""
    outbox_bytes: int = 1 << 20
    """Frames that wait for one reader; beyond it they give way to one diff."""
    parked_bytes: int = 256 << 10
    """Updates of one session that wait for others they rest on; beyond it 4500."""
    parked_updates: int = 200
    """As parked_bytes, counted."""
    parked_seconds: float = 30.0
    """How long an update may wait for others; beyond it 4500."""
    messages_per_second: float = 20_000.0
    """Messages per session; beyond it the server reads that socket more slowly."""
    presence_per_second: float = 100.0
    """Changes of the own presence per session; beyond it the server reads that socket more slowly."""
    members_per_room: int = 2000
    """Beyond it a joiner gets 4529."""
    stalled_seconds: float = 60.0
    """How long one write to a reader may take; beyond it 4508."""


class TokenBucket:
    """Tells how long a sender has to wait. Refills continuously; holds `burst` seconds' worth."""

    __slots__ = ("_at", "_capacity", "_rate", "_tokens")

    def __init__(self, rate: float, now: float, burst: float = 2.0) -> None:
        self._rate = rate  # tokens per second; 0 means without limit
        self._capacity = rate * burst
        self._tokens = self._capacity
        self._at = now  # seconds, of the last refill

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take `cost` tokens; returns the seconds to wait before going on, usually 0."""
        if not self._rate:
            return 0.0
        tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate) - cost
        self._tokens, self._at = tokens, now
        return 0.0 if tokens >= 0 else -tokens / self._rate
