"""History segments: the entries that were trimmed from the log, in immutable objects."""

from collections.abc import Iterator, Sequence

from storage.base import ObjectStore
from storage.errors import Corrupt
from storage.format import decode_segment, encode_segment
from storage.keys import SegmentKey, parse_segment, segment_prefix
from storage.values import ZERO, Cursor

SEGMENT_BYTES = 16 * 2**20
"""Bytes of entries, before compression, in one segment; a single larger entry has its own."""

Keys = list[SegmentKey]
Rows = list[tuple[Cursor, bytes]]


class History:
    """The history segments of all documents in `objects`. Every method raises Unavailable."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def write(self, doc: str, entries: Rows, time: int) -> None:
        """Store encoded entries, ascending, and return once they were read back.

        `time` is Unix time in milliseconds at which they had all been written; the segments' age counts from
        it. Raises Corrupt when what was read back is not what was written.
        """
        for rows in _cut(entries):
            key = SegmentKey(doc, rows[0][0], rows[-1][0], time)
            await self._objects.put(key.name, encode_segment(rows))
            if await self.read_segment(key) != rows:
                raise Corrupt("verify history", key.name, "it was read back different")

    async def list(self, doc: str) -> Keys:
        """The segments of `doc` by name, ascending; none of them was read."""
        keys = []
        for name in await self._objects.list(segment_prefix(doc)):
            try:
                keys.append(parse_segment(name))
            except ValueError:  # not ours: nothing that `keys` names
                continue
        return sorted(keys)

    async def read(self, doc: str, after: Cursor = ZERO) -> Rows:
        """The encoded entries above `after`, ascending.

        Segments may overlap after a crash; each entry is there once. Raises Corrupt when a segment is.
        """
        rows: dict[Cursor, bytes] = {}
        for key in await self.list(doc):
            if key.last > after:
                rows.update(await self.read_segment(key))
        return sorted(row for row in rows.items() if row[0] > after)

    async def read_segment(self, key: SegmentKey) -> Rows:
        """The encoded entries of one segment, ascending. Raises Missing, Corrupt."""
        try:
            rows = decode_segment(await self._objects.get(key.name))
        except Corrupt as error:
            raise Corrupt("read history", key.name, error) from error
        if not rows or (rows[0][0], rows[-1][0]) != (key.first, key.last):
            raise Corrupt("read history", key.name, "it is not what its name says")
        return rows


def _cut(entries: Sequence[tuple[Cursor, bytes]]) -> Iterator[Rows]:
    rows: Rows = []
    size = 0
    for cursor, entry in entries:
        if rows and size + len(entry) > SEGMENT_BYTES:
            yield rows
            rows, size = [], 0
        rows.append((cursor, entry))
        size += len(entry)
    if rows:
        yield rows
