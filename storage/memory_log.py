"""The update log in memory, for tests and for trying things out: it keeps nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from storage.base import Follower, Outcome
from storage.clock import unix_milliseconds
from storage.errors import LostTail
from storage.head import Head
from storage.values import ZERO, Announcement, Cursor, Level, LogState, Position


@dataclass(slots=True)
class _Document:
    head: Head = field(default_factory=Head)
    entries: dict[Cursor, tuple[int, bytes]] = field(default_factory=dict)  # time and bytes, ascending
    followers: dict[str, Follower] = field(default_factory=dict)  # by node


class MemoryLog:
    """An UpdateLog that behaves like one whose strongest level is `strongest`.

    `clock` gives Unix time in milliseconds.
    """

    shared = True

    def __init__(
        self, *, strongest: Level = Level.SYNCED, clock: Callable[[], int] = unix_milliseconds
    ) -> None:
        self.strongest = strongest
        self.node = "1"
        self._clock = clock
        self._documents: defaultdict[str, _Document] = defaultdict(_Document)

    def of_node(self, node: str) -> "MemoryLog":
        """The same log as another node sees it."""
        other = MemoryLog(strongest=self.strongest, clock=self._clock)
        other.node = node
        other._documents = self._documents
        return other

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        document = self._documents[doc]
        loop = asyncio.get_running_loop()
        if not heals and document.head.trimmed < after and after not in document.entries:
            loop.call_soon(outcome.failed, LostTail("append", doc, f"the log lacks {after}"))
            return
        previous, cursor = document.head.last, document.head.give(after, entry)
        document.entries[cursor] = (self._clock(), entry)
        announcement = Announcement(previous, cursor, self.node, entry)
        for follower in document.followers.values():
            loop.call_soon(follower.announced, announcement)
        loop.call_soon(outcome.recorded, cursor)
        if self.strongest is not Level.RECORDED:
            loop.call_soon(outcome.reached, self.strongest)

    async def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        document = self._documents.get(doc, _Document())
        held = document.entries.values()
        return LogState(
            last=document.head.last,
            trimmed=document.head.trimmed,
            entries=len(held),
            size=sum(len(entry) for _, entry in held),
            oldest=min((time for time, _ in held), default=0),
        )

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        heads = [self._documents.get(doc, _Document()).head for doc in docs]
        return [Position(head.last, head.trimmed) for head in heads]

    async def documents(self) -> list[str]:
        """See UpdateLog."""
        return sorted(doc for doc, document in self._documents.items() if document.head.last > ZERO)

    async def follow(self, doc: str, follower: Follower) -> None:
        """See UpdateLog."""
        self._documents[doc].followers[self.node] = follower

    def unfollow(self, doc: str) -> None:
        """See UpdateLog."""
        self._documents[doc].followers.pop(self.node, None)

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        self._documents[doc].head.raise_floor(floor)

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog."""
        held = self._documents.get(doc, _Document()).entries
        return [(cursor, entry) for cursor, (_, entry) in held.items() if cursor > after]

    async def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        document = self._documents[doc]
        document.head.trim(upto)
        document.entries = {at: entry for at, entry in document.entries.items() if at > upto}

    async def close(self) -> None:
        """See UpdateLog; the outcomes under way are told."""
        await asyncio.sleep(0)
