"""The update log in memory, for tests and for trying things out: it keeps nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from storage.base import Outcome
from storage.clock import unix_milliseconds
from storage.head import Head
from storage.values import Cursor, Level, LogState


@dataclass(slots=True)
class _Document:
    head: Head = field(default_factory=Head)
    entries: dict[Cursor, tuple[int, bytes]] = field(default_factory=dict)  # time and bytes, ascending


class MemoryLog:
    """An UpdateLog that behaves like one whose strongest level is `strongest`.

    `clock` gives Unix time in milliseconds.
    """

    def __init__(
        self, *, strongest: Level = Level.SYNCED, clock: Callable[[], int] = unix_milliseconds
    ) -> None:
        self.strongest = strongest
        self._clock = clock
        self._documents: defaultdict[str, _Document] = defaultdict(_Document)

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome) -> None:
        """See UpdateLog."""
        document = self._documents[doc]
        cursor = document.head.give(after)
        document.entries[cursor] = (self._clock(), entry)
        loop = asyncio.get_running_loop()
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
