"""What a room gathers between two appends, and the entry it becomes. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from collab.document import GATHERED, merge
from storage.values import Entry, Part

_SUSPECTS = 4 * GATHERED  # updates of one sender that are remembered
_COMPACT = 1000  # updates of one author after which they are merged, while the log holds the room up


@dataclass(slots=True)
class _PartInProgress:
    updates: list[bytes] = field(default_factory=list)
    clients: set[int] = field(default_factory=set)


class Batch:
    """Accepted updates, by author.

    Attributes:
        position: the number of this flush in its room; acknowledgements refer to it.
        first: the number of the first flush that was merged into this one.
        sole: the only one who sent something, known when it is sealed; it is not sent its own words back.
        count: how many updates were added.
        state_vector: the document's after this batch, set when it is sealed.
        base: the document's before this batch, set when it is recorded.
    """

    __slots__ = (
        "_due",
        "_merged",
        "_parts",
        "_senders",
        "base",
        "count",
        "first",
        "position",
        "sole",
        "state_vector",
    )

    def __init__(self, position: int) -> None:
        self.first = self.position = position
        self.count = 0
        self.sole: Any = None
        self._senders: dict[Any, list[bytes]] = {}  # until it is sealed
        self.base = self.state_vector = b"\x00"
        self._parts: dict[str, _PartInProgress] = {}
        self._merged: bytes | None = None
        self._due = False

    def add(self, member: object, author: str, update: bytes, clients: Iterable[int]) -> None:
        """Take in one causally ready update that extends `clients`."""
        part = self._parts.get(author)
        if part is None:
            part = self._parts[author] = _PartInProgress()
        part.updates.append(update)
        part.clients.update(clients)
        self.count += 1
        sent = self._senders.setdefault(member, [])
        sent.append(update)
        if len(sent) > _SUSPECTS:
            del sent[:-GATHERED]
        if len(part.updates) >= _COMPACT:
            part.updates = [merge(part.updates)]

    def seal(self, state_vector: bytes) -> None:
        """Nothing is added any more: the document stands at `state_vector`."""
        self.state_vector = state_vector
        if len(self._senders) == 1:
            (self.sole,) = self._senders
        self._senders.clear()

    def sender_of(self, update: bytes) -> Any:
        """Who sent this very update; for b"" the sole sender. None where that cannot be said."""
        senders = self._senders
        if not update:
            return next(iter(senders)) if len(senders) == 1 else None
        return next((who for who, sent in senders.items() if any(each is update for each in sent)), None)

    def absorb(self, later: "Batch") -> None:
        """Append what the next batch holds to this one, which could not be recorded yet."""
        for author, part in later._parts.items():
            mine = self._parts.setdefault(author, _PartInProgress())
            mine.updates += part.updates
            mine.clients |= part.clients
            if len(mine.updates) >= _COMPACT:
                mine.updates = [merge(mine.updates)]
        self.sole = self.sole if self.sole is later.sole else None
        self._due = self._due or later._due
        self.position = later.position
        self.state_vector = later.state_vector
        self._merged = None

    def confirm(self) -> None:
        """Append this batch even if it stays empty: its outcome tells how safe the entries before it are."""
        self._due = True

    def mend(self, lost: bytes, clients: Iterable[int]) -> None:
        """Add what the log had and has lost, without an author."""
        part = self._parts.setdefault("", _PartInProgress())
        part.updates.append(lost)
        part.clients.update(clients)
        self._merged = None

    def collapse(self, diff: bytes) -> None:
        """Replace the parts by one diff without an author: the outage lasted too long to keep them."""
        clients = set().union(*(part.clients for part in self._parts.values()))
        self._parts = {"": _PartInProgress([diff], clients)}

    def entry(self, time: int) -> Entry:
        """The log entry: one part per author, in the order in which they began."""
        return Entry(
            time,
            tuple(
                Part(author, tuple(sorted(part.clients)), self._merge_part(part))
                for author, part in self._parts.items()
            ),
        )

    def update(self) -> bytes:
        """All parts as one update, to be shown. Needs edits."""
        if self._merged is None:
            self._merged = merge([self._merge_part(part) for part in self._parts.values()])
        return self._merged

    @property
    def size(self) -> int:
        """Bytes of all updates held."""
        return sum(len(update) for part in self._parts.values() for update in part.updates)

    @property
    def has_edits(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._parts)

    def __bool__(self) -> bool:
        return self._due or bool(self._parts)

    @staticmethod
    def _merge_part(part: _PartInProgress) -> bytes:
        if len(part.updates) > 1:
            part.updates = [merge(part.updates)]
        return part.updates[0]
