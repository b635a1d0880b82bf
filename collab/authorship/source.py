"""What storage has of a document's past, in the order in which it was written."""

from collections.abc import AsyncIterator, Iterable

from collab.authorship.derive import StandIn, Step
from storage.base import ObjectStore, UpdateLog
from storage.continuity import connected
from storage.errors import Corrupt, Missing
from storage.history import History
from storage.keys import SnapshotKey
from storage.snapshots import Snapshots
from storage.values import Cursor, Snapshot

Rows = list[tuple[Cursor, bytes]]


class Source:
    """The past of all documents of one log and its objects."""

    def __init__(self, log: UpdateLog, objects: ObjectStore) -> None:
        self._log = log
        self._snapshots = Snapshots(objects)
        self._history = History(objects)

    async def before(self, doc: str, known: Cursor) -> Snapshot | None:
        """The newest snapshot at `known` or before it; None where there is none. Raises Unavailable."""
        keys = await self._snapshots.list(doc)
        return await self._first(key for key in reversed(keys) if key.cursor <= known)

    async def steps(self, doc: str, position: Cursor) -> AsyncIterator[list[Step]]:
        """Steps from `position` to the newest; one list per history segment, and one for the log.

        Where cursors do not tell that nothing is missing, the snapshots around the gap stand in, and the
        newest one of all comes last. No more: after a migration one may hold entries that come behind it.
        Raises Unavailable, Corrupt.
        """
        keys = await self._snapshots.list(doc)
        below = ahead = None  # stand in: from here on, and behind the next gap
        async for rows in self._rows(doc, position):
            steps: list[Step] = [] if below is None else [StandIn(below)]
            for cursor, entry in rows:
                if not connected([position, cursor]):
                    found = await self._first(k for k in reversed(keys) if position < k.cursor < cursor)
                    below = found or below
                    ahead = await self._first(key for key in keys if key.cursor >= cursor)
                    steps += [StandIn(below)] if below else []
                elif ahead is not None and ahead.cursor < cursor:
                    below, ahead = ahead, None
                    steps.append(StandIn(below))
                steps.append((cursor, entry))
                position = cursor
            yield steps
        newest = await self._first(reversed(keys))
        if newest is not None and (below or ahead or newest.cursor > position):
            yield [newest]

    async def _rows(self, doc: str, after: Cursor) -> AsyncIterator[Rows]:
        """Encoded entries above `after`. What is trimmed while this runs was read from the log before."""
        held = await self._log.read(doc, after)
        for key in await self._history.list(doc):
            if key.last > after:
                rows = [row for row in await self._history.read_segment(key) if row[0] > after]
                after = key.last
                if rows:
                    yield rows
        if rows := [row for row in held if row[0] > after]:
            yield rows

    async def _first(self, keys: Iterable[SnapshotKey]) -> Snapshot | None:
        """The first that can be read."""
        for key in keys:
            try:
                return await self._snapshots.read(key)
            except (Missing, Corrupt):  # another will do; `studyhub check` tells of it
                continue
        return None
