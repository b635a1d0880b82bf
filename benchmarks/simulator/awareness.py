"""Presence as a client keeps it. Format and rules: https://github.com/yjs/y-protocols (awareness.js)."""

import json

from collab.protocol import ywebsocket
from collab.protocol.lib0 import read_bytes, read_uint, uint, write_bytes, write_uint

_RENEW = 15.0  # seconds after which the own entry is sent again
_FORGET = 30.0  # seconds after which another's entry is dropped


class Awareness:
    """The entries of one document.

    Attributes:
        place: what the own entry shows.
    """

    def __init__(self, client: int) -> None:
        self.place = 0
        self._client = client
        self._clock = 0
        self._sent = 0.0
        self._clocks: dict[int, int] = {}
        self._others: dict[int, tuple[int, float]] = {}  # place, and when it was last heard of

    @property
    def others(self) -> dict[int, int]:
        """The places of all others that are here, by client id."""
        return {client: place for client, (place, _) in self._others.items()}

    def move(self, now: float) -> None:
        """Show something else."""
        self.place += 1
        self._touch(now)

    def mine(self) -> bytes:
        """A frame with the own entry."""
        out = bytearray(uint(1))
        write_uint(out, self._client)
        write_uint(out, self._clock)
        write_bytes(out, json.dumps({"place": self.place}).encode())
        return ywebsocket.awareness(bytes(out))

    def receive(self, payload: bytes, now: float) -> None:
        """Take in a payload."""
        count, at = read_uint(payload, 0)
        for _ in range(count):
            client, at = read_uint(payload, at)
            clock, at = read_uint(payload, at)
            state, at = read_bytes(payload, at)
            known = self._clocks.get(client, -1)
            gone = state == b"null"
            if client != self._client and (clock > known or (clock == known and gone)):
                self._clocks[client] = clock
                if gone:
                    self._others.pop(client, None)
                else:
                    self._others[client] = (json.loads(state)["place"], now)

    def clear(self) -> None:
        """The connection is gone: nobody is known to be here."""
        self._others.clear()

    def tick(self, now: float) -> bool:
        """Forget who was silent for too long; tells whether the own entry has to be sent again."""
        for client in [client for client, (_, heard) in self._others.items() if now - heard > _FORGET]:
            del self._others[client]
        if now - self._sent < _RENEW:
            return False
        self._touch(now)
        return True

    def _touch(self, now: float) -> None:
        self._clock += 1
        self._sent = now
