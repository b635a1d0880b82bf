"""One client in one room: what it may send, what waits for an acknowledgement, what is parked. Pure."""

from dataclasses import dataclass

from collab.auth.grants import Grant
from collab.errors import CloseCode, Rejected
from collab.limits import Limits, TokenBucket
from collab.protocol import ywebsocket
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Ask, Awareness, Edit, Message, QueryAwareness

_HEAD = 16  # bytes of a frame around its payload
_MAX_ASK = 128 << 10  # bytes of a step 1: about 10,000 client ids
_MAX_OTHER = 4 << 10  # bytes of a control message, once hello is said
_ASKING = (Ask, QueryAwareness)
_ASK_COST = 50.0  # messages; answering a step 1 may mean encoding the whole document
_BYTES_PER_TOKEN = 256  # so big messages count as many
_BIG = 32 << 10  # bytes; beyond it a worker process parses the message, and all sessions share that worker
_BIG_BYTES_PER_TOKEN = 64

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
        "_least",
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
        self._least = min(limits.update_bytes, limits.step2_bytes, limits.presence_bytes, _MAX_OTHER)
        self._waiting: list[_Waiting] = []  # in the order in which they came; one for each flush at most
        self._message_rate = TokenBucket(limits.messages_per_second, now)
        self._presence_rate = TokenBucket(limits.presence_per_second, now)

    def receive(self, frame: bytes) -> Message:
        """The message in one frame, checked for form and size. Raises Rejected."""
        if len(frame) > self._least:
            self._check_size(frame)
        try:
            message = ywebsocket.decode(frame)
        except Malformed as error:
            raise Rejected(CloseCode.MALFORMED, str(error), "malformed") from error
        if isinstance(message, Edit):
            self.edits += 1
        return message

    def _check_size(self, frame: bytes) -> None:
        """Before anything is decoded. Raises Rejected."""
        limit = self._limit(frame)
        if len(frame) > limit + _HEAD:
            raise Rejected(CloseCode.TOO_LARGE, f"a message of this kind has {limit} bytes", "too_large")

    def _limit(self, frame: bytes) -> int:
        kind = ywebsocket.kind(frame)
        if kind is Edit:
            step2 = ywebsocket.is_step2(frame)
            return self._limits.step2_bytes if step2 else self._limits.update_bytes
        if kind is Awareness:
            return self._limits.presence_bytes
        return _MAX_ASK if kind is Ask else _MAX_OTHER

    def pause(self, message: Message, size: int, now: float, *, present: bool) -> float:
        """Seconds to wait before the next message of this client is read; `size`: of this one, in bytes.

        `present`: it changed the client's own presence. Echoes of others' presence, which unmodified clients
        send in numbers, cost no more than any message.
        """
        cost = 1.0 + size / (_BYTES_PER_TOKEN if size < _BIG else _BIG_BYTES_PER_TOKEN)
        if type(message) in _ASKING:
            cost += _ASK_COST
        wait = self._message_rate.take(now, cost)
        return max(wait, self._presence_rate.take(now)) if present else wait

    def place(self, number: int, position: int | None) -> None:
        """Edit `number` is covered by flush `position` (NEVER: refused); None: it is parked."""
        waiting = self._waiting
        if waiting and waiting[-1].position == position:
            waiting[-1].number = number
        else:
            waiting.append(_Waiting(number, position))

    def redeem(self, position: int | None) -> None:
        """A step 2 holds all that was refused before it too; `position` is its own, as for `place`."""
        for waiting in self._waiting:
            if waiting.position == NEVER:
                waiting.position = position

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
        done = 0
        while done < len(waiting) and (at := waiting[done].position) is not None and at <= position:
            self.saved = waiting[done].number
            done += 1
        del waiting[:done]
        return self.saved > before

    @property
    def waits(self) -> bool:
        """Whether an edit of this client is not acknowledged yet."""
        return bool(self._waiting)
