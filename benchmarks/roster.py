"""Presence as a client sees it. Format and rules: https://github.com/yjs/y-protocols (awareness.js)."""

import json
from typing import Any

from collab.protocol.lib0 import read_string, read_uint, write_bytes, write_uint


class Roster:
    """Who is in a document, and what this client shows of itself.

    Attributes:
        state: what this client shows (JSON), None when it shows nothing.
    """

    def __init__(self, client: int, others: dict[int, Any]) -> None:
        """`client` is the own id; `others` is kept up to date: client id to state."""
        self.state: Any = None
        self._client = client
        self._clock = 0
        self._others = others
        self._clocks: dict[int, int] = {}

    def announce(self, state: Any) -> bytes:
        """Show `state` from now on (None leaves); the awareness payload that says so."""
        self.state = state
        return self.renew()

    def renew(self) -> bytes:
        """The own entry again, under a new clock."""
        self._clock += 1
        out = bytearray((1,))
        write_uint(out, self._client)
        write_uint(out, self._clock)
        write_bytes(out, json.dumps(self.state, separators=(",", ":")).encode())
        return bytes(out)

    def receive(self, payload: bytes) -> None:
        """Take in others' entries. Raises Malformed or ValueError on bytes that are none."""
        count, at = read_uint(payload, 0)
        for _ in range(count):
            client, at = read_uint(payload, at)
            clock, at = read_uint(payload, at)
            state, at = read_string(payload, at)
            if client != self._client:
                self._take(client, clock, json.loads(state))

    def forget(self) -> None:
        """The socket is gone, and with it the knowledge of the others."""
        self._others.clear()
        self._clocks.clear()

    def _take(self, client: int, clock: int, state: Any) -> None:
        known = self._clocks.get(client, -1)
        if clock < known or (clock == known and state is not None):
            return
        self._clocks[client] = clock
        if state is None:
            self._others.pop(client, None)
        else:
            self._others[client] = state
