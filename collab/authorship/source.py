"""What storage has of a document's past, in the order in which it was written."""

from collections.abc import AsyncIterator, Iterable

from collab.authorship.derive import Step
from storage.base import ObjectStore, UpdateLog
from storage.continuity import connected
from storage.errors import Corrupt, Missing
from storage.history import History
from storage.keys import SnapshotKey
from storage.snapshots import Snapshots
from storage.values import ZERO, Cursor, Snapshot

Rows = list[tuple[Cursor, bytes]]


class Source:
    """The past of all documents of one log and its objects."""

    def __init__(self, log: UpdateLog, objects: ObjectStore) -> None:
        self._log = log
        self._snapshots = Snapshots(objects)
        self._history = History(objects)

    async def steps(self, doc: str, known: Cursor) -> AsyncIterator[list[Step]]:
        """Steps up to the newest, from a snapshot at `known` or before it, or from the beginning.

        One list per history segment, and one for the log. Where entries may be missing, the snapshots around
        the gap are among them. Raises Unavailable, Corrupt.
        """
        keys = await self._snapshots.list(doc)
        base = await self._first(key for key in reversed(keys) if key.cursor <= known)
        position = ZERO
        if base is not None:
            position = base.cursor
            yield [base]
        ahead: Snapshot | None = None  # the next one behind a gap
        async for rows in self._rows(doc, position):
            steps: list[Step] = []
            for cursor, entry in rows:
                if not connected([position, cursor]):
                    below = (key for key in reversed(keys) if position < key.cursor < cursor)
                    steps += _list(await self._first(below))
                    ahead = await self._first(key for key in keys if key.cursor >= cursor)
                if ahead is not None and ahead.cursor < cursor:
                    steps.append(ahead)
                    ahead = None
                steps.append((cursor, entry))
                position = cursor
            yield steps
        if last := _list(await self._first(key for key in reversed(keys) if key.cursor > position)):
            yield last

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


def _list(step: Snapshot | None) -> list[Step]:
    return [] if step is None else [step]
