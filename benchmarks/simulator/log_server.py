"""A log server that nodes reach over a network, with the semantics of Redis (see `storage.base`)."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import World
from storage.errors import LostTail
from storage.head import Head
from storage.values import ZERO, Announcement, Cursor, Level, LogState, Position

_HISTORY = 3.0  # seconds of changes that a crash can take back


@dataclass(slots=True)
class _Document:
    head: Head = field(default_factory=Head)
    entries: dict[Cursor, tuple[int, bytes]] = field(default_factory=dict)  # Unix milliseconds and bytes


class Subscriber(Protocol):
    """A node's connection."""

    def hear(self, doc: str, announcement: Announcement) -> None:
        """An entry was recorded."""

    def reset(self) -> None:
        """The server has gone."""


class LogServer:
    """One server for all nodes.

    Attributes:
        is_up: whether it takes connections.
        is_frozen: whether it leaves requests unanswered in its buffers.
        incarnation: counts its starts; connections do not survive one.
    """

    def __init__(self, world: World, weather: Weather, strongest: Level) -> None:
        self.strongest = strongest
        self.is_up, self.is_frozen = True, False
        self.incarnation = 1
        self._world = world
        self._weather = weather
        self._documents: defaultdict[str, _Document] = defaultdict(_Document)
        self._subscribers: defaultdict[str, dict[Subscriber, None]] = defaultdict(dict)
        self._connections: dict[Subscriber, None] = {}
        self._before: deque[tuple[float, str, _Document]] = deque()  # documents before each change
        self._buffered: list[Callable[[], None]] = []

    @property
    def answers(self) -> bool:
        """Whether a request would be answered."""
        return self.is_up and not self.is_frozen

    # The network

    def connect(self, connection: Subscriber) -> int:
        """Open a connection; returns the incarnation that it belongs to."""
        self._connections[connection] = None
        return self.incarnation

    def disconnect(self, connection: Subscriber) -> None:
        """The connection has ended, and its subscriptions with it."""
        self._connections.pop(connection, None)
        for subscribers in self._subscribers.values():
            subscribers.pop(connection, None)

    def take(self, request: Callable[[], None], incarnation: int) -> None:
        """A request arrives."""
        if not self.is_up or incarnation != self.incarnation:
            return
        if self.is_frozen:
            self._buffered.append(request)
        else:
            request()

    # Faults

    def freeze(self) -> None:
        """Stop answering; what arrives waits."""
        self.is_frozen = True

    def thaw(self) -> None:
        """Do all that has arrived meanwhile."""
        self.is_frozen = False
        buffered, self._buffered = self._buffered, []
        for request in buffered:
            request()

    def crash(self) -> None:
        """The process dies; what it holds is decided by `lose`."""
        self.is_up = self.is_frozen = False
        self._buffered.clear()
        self._subscribers.clear()
        connections, self._connections = self._connections, {}
        for connection in connections:
            connection.reset()

    def start(self) -> None:
        """Take connections again."""
        if not self.is_up:
            self.is_up = True
            self.incarnation += 1

    def lose(self, seconds: float | None) -> None:
        """Forget what was done in the last `seconds`; None: everything."""
        if seconds is None:
            self._documents.clear()
        while seconds is not None and self._before and self._before[-1][0] >= self._world.now - seconds:
            _, doc, before = self._before.pop()
            self._documents[doc] = before
        self._before.clear()

    # Commands

    def append(self, doc: str, entry: bytes, after: Cursor, node: str, time: int, *, heals: bool) -> Cursor:
        """See UpdateLog. Raises LostTail."""
        document = self._documents[doc]
        head = document.head
        if not heals and head.trimmed < after and after not in document.entries and after != head.given:
            self._world.note("append refused", f"{node} {doc} after {short(after)}")
            raise LostTail("append", doc, f"the log lacks {after}")
        self._keep(doc)
        previous, cursor = head.last, head.give(after, entry)
        document.entries[cursor] = (time, entry)
        self._world.note("append", f"{node} {doc} {short(previous)} -> {short(cursor)}")
        for subscriber in self._subscribers[doc]:
            subscriber.hear(doc, Announcement(previous, cursor, node, entry))
        return cursor

    def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        document = self._documents.get(doc, _Document())
        held = document.entries.values()
        size, oldest = sum(len(entry) for _, entry in held), min((time for time, _ in held), default=0)
        return LogState(document.head.last, document.head.trimmed, len(held), size, oldest)

    def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        heads = [self._documents.get(doc, _Document()).head for doc in docs]
        return [Position(head.last, head.trimmed) for head in heads]

    def documents(self) -> list[str]:
        """See UpdateLog."""
        return sorted(doc for doc, document in self._documents.items() if document.head.last > ZERO)

    def subscribe(self, doc: str, subscriber: Subscriber) -> None:
        """Tell `subscriber` of new entries."""
        self._subscribers[doc][subscriber] = None

    def unsubscribe(self, doc: str, subscriber: Subscriber) -> None:
        """Tell it nothing more."""
        self._subscribers[doc].pop(subscriber, None)

    def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        self._keep(doc)
        self._documents[doc].head.raise_floor(floor)

    def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog."""
        held = self._documents.get(doc, _Document()).entries
        return [(cursor, entry) for cursor, (_, entry) in held.items() if cursor > after]

    def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        self._keep(doc)
        document = self._documents[doc]
        document.head.trim(upto)
        document.entries = {at: entry for at, entry in document.entries.items() if at > upto}
        self._world.note("trim", f"{doc} up to {short(upto)}")

    def _keep(self, doc: str) -> None:
        now, document = self._world.now, self._documents[doc]
        while self._before and self._before[0][0] < now - _HISTORY:
            self._before.popleft()
        self._before.append((now, doc, _Document(replace(document.head), dict(document.entries))))


def short(cursor: Cursor) -> str:
    """A cursor without the part that comes from its entry's bytes."""
    return f"{cursor.epoch}.{cursor.sequence >> 20}"
