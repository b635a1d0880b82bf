"""What waits to be written to one client. Pure and bounded.

A client that asks for the rest (sync step 1) and a client that reads too slowly are one case: queued
updates and presence are dropped, and when everything else is written, one diff from a known state
vector brings it up to date. A slow client so costs the same memory however long it stays slow.
"""

from collections import deque

_MAX_ESSENTIAL = 64  # frames; a client that leaves so many answers unread is not worth waiting for


class Outbox:
    """A queue of frames for one client.

    Attributes:
        wants: the state vector from which the client has to be brought up to date, or None.
        listening: whether updates and presence are queued; False before the first catch-up and
            while one is due, since the diff will hold them.
    """

    __slots__ = ("_base", "_essential", "_flow", "_limit", "_saved", "_size", "listening", "wants")

    def __init__(self, limit: int) -> None:
        self._limit = limit  # bytes that may wait in _flow
        self._flow: deque[bytes] | None = None  # updates and presence, in order; an empty one costs 700 bytes
        self._essential: list[bytes] = []  # answers and notices; few, never dropped
        self._saved: bytes | None = None  # the newest acknowledgement replaces the one before
        self._size = 0  # bytes in _flow
        self._base = b"\x00"  # a state vector that the client has had before all that is in _flow
        self.wants: bytes | None = None
        self.listening = False

    def put(self, frame: bytes, shown: bytes) -> bool:
        """Queue an update or presence frame; `shown` is the room's state vector before it.

        Tells whether the bound was reached, so that all that waited gave way to a catch-up.
        """
        if not self.listening:
            return False
        if self._flow is None:
            self._flow = deque()
            self._base = shown
        self._flow.append(frame)
        self._size += len(frame)
        if self._size <= self._limit:
            return False
        self.catch_up_from(self._base)
        return True

    def put_essential(self, frame: bytes) -> bool:
        """Queue a frame that is never dropped; tells whether there was room for it."""
        if len(self._essential) >= _MAX_ESSENTIAL:
            return False
        self._essential.append(frame)
        return True

    def put_saved(self, frame: bytes) -> None:
        """Queue an acknowledgement that covers all earlier ones."""
        self._saved = frame

    def catch_up_from(self, state_vector: bytes) -> None:
        """Drop what waits; a diff from `state_vector` will hold it."""
        self._flow = None
        self._size = 0
        self.listening = False
        self.wants = state_vector

    def caught_up(self, frames: list[bytes]) -> None:
        """Queue the diff and the presence that the client was waiting for; updates flow from here."""
        self._essential.extend(frames)
        self.listening = True
        self.wants = None

    def take(self) -> bytes | None:
        """The next frame to write, or None. An acknowledgement goes last."""
        if self._essential:
            return self._essential.pop(0)
        if self._flow is not None:
            frame = self._flow.popleft()
            self._size -= len(frame)
            if not self._flow:
                self._flow = None
            return frame
        saved, self._saved = self._saved, None
        return saved

    def __len__(self) -> int:
        """Frames that wait."""
        return len(self._flow or ()) + len(self._essential) + (self._saved is not None)
