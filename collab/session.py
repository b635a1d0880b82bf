"""One client in one room: what it may send, what waits for an acknowledgement, what is parked. Pure."""

from collections import deque
from dataclasses import dataclass

from collab.auth.grants import Grant
from collab.errors import CloseCode, Rejected
from collab.limits import Limits, TokenBucket
from collab.protocol import ywebsocket
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Ask, Edit, Message

_ASK_COST = 50.0  # messages; answering a step 1 may mean encoding the whole document

NEVER = 1 << 62
"""The position of a refused edit: no flush covers it."""


@dataclass(slots=True)
class _Waiting:
    number: int  # the session's edits, counted from 1; the last of those with this position
    position: int | None  # the flush that covers them; None while parked


class Session:
    """The state of one client connection.

    Attributes:
        grant: what this client may do.
        edits: how many updates and step 2s it has sent.
        saved: how many of them, from the first on, are acknowledged.
        parked: updates, or the rest of them, that wait for others they rest on.
        parked_since: when the oldest of them came (seconds, the caller's clock), 0.0 without any.
    """

    __slots__ = (
        "_limits",
        "_message_rate",
        "_presence_rate",
        "_waiting",
        "edits",
        "grant",
        "parked",
        "parked_since",
        "saved",
    )

    def __init__(self, grant: Grant, limits: Limits, now: float) -> None:
        self.grant = grant
        self.edits = 0
        self.saved = 0
        self.parked: list[bytes] = []
        self.parked_since = 0.0
        self._limits = limits
        self._waiting: deque[_Waiting] = deque()  # in the order in which they came
        self._message_rate = TokenBucket(limits.messages_per_second, now)
        self._presence_rate = TokenBucket(limits.presence_per_second, now)

    def receive(self, frame: bytes) -> Message:
        """The message in one frame, checked for form and size. Raises Rejected."""
        try:
            message = ywebsocket.decode(frame)
        except Malformed as error:
            raise Rejected(CloseCode.MALFORMED, str(error), "malformed") from error
        if isinstance(message, Edit):
            self.edits += 1
            limit = self._limits.step2_bytes if message.step2 else self._limits.update_bytes
            if len(message.update) > limit:
                raise Rejected(CloseCode.TOO_LARGE, f"an edit above {limit} bytes", "edit_too_large")
        return message

    def pause(self, message: Message, now: float, *, present: bool) -> float:
        """Seconds to wait before the next message of this client is read.

        `present`: it changed the client's own presence. Echoes of others' presence, which unmodified clients
        send in numbers, cost no more than any message.
        """
        wait = self._message_rate.take(now, _ASK_COST if isinstance(message, Ask) else 1.0)
        return max(wait, self._presence_rate.take(now)) if present else wait

    def place(self, number: int, position: int | None) -> None:
        """Edit `number` is covered by flush `position` (NEVER: refused); None: it is parked."""
        waiting = self._waiting
        if waiting and waiting[-1].position == position:
            waiting[-1].number = number
        else:
            waiting.append(_Waiting(number, position))

    def park(self, rest: bytes, *, step2: bool, now: float) -> None:
        """Keep `rest` until what it rests on has come. Raises Rejected at the bound.

        A step 2 holds all that the client has and the server lacks, earlier parked updates too.
        """
        if step2:
            self.parked.clear()
        if not self.parked:
            self.parked_since = now
        self.parked.append(rest)
        limits = self._limits
        if len(self.parked) > limits.parked_updates or sum(map(len, self.parked)) > limits.parked_bytes:
            raise Rejected(CloseCode.OUT_OF_SYNC, "too many edits rest on missing ones", "parked_too_much")

    def unpark(self, position: int) -> None:
        """Nothing is parked any more: what waited for it is covered by flush `position`."""
        self.parked.clear()
        self.parked_since = 0.0
        for waiting in self._waiting:
            if waiting.position is None:
                waiting.position = position

    def is_overdue(self, now: float) -> bool:
        """Whether a parked update has waited for too long."""
        return bool(self.parked) and now - self.parked_since > self._limits.parked_seconds

    def reached(self, position: int) -> bool:
        """Flush `position` and all before it have reached the level; tells whether `saved` grew."""
        before = self.saved
        waiting = self._waiting
        while waiting and waiting[0].position is not None and waiting[0].position <= position:
            self.saved = waiting.popleft().number
        return self.saved > before

    @property
    def waits(self) -> bool:
        """Whether an edit of this client is not acknowledged yet."""
        return bool(self._waiting)
