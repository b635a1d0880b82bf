"""The rules for the cursors of one document's log, the same in every backend. Pure."""

from dataclasses import dataclass
from hashlib import blake2b

from storage.values import ZERO, Cursor

STRIDE = 2**20
"""Sequences count in steps of this; the rest of each comes from the entry's own bytes.

So two entries that got the same number, one of them from a log that has lost its tail, do not share their
cursor: whoever knows an entry's cursor can tell whether the log still holds that entry.
"""


def mark(entry: bytes) -> int:
    """What the cursor of `entry` holds of its bytes: 0 to STRIDE - 1."""
    return int.from_bytes(blake2b(entry, digest_size=4).digest(), "big") % STRIDE


@dataclass(slots=True)
class Head:
    """Where one document's log stands; outlives its entries."""

    given: Cursor = ZERO
    """Newest cursor given out."""
    floor: Cursor = ZERO
    """Above it lies every later cursor; set when the log turns out younger than what it belongs to."""
    trimmed: Cursor = ZERO
    """Trim marker: every entry at or below it may be gone."""

    @property
    def last(self) -> Cursor:
        """Newest cursor given out, or the floor where that is higher."""
        return max(self.given, self.floor)

    def give(self, after: Cursor, entry: bytes) -> Cursor:
        """The cursor of `entry`, the next one: above `after`, above the floor, above every one before.

        Counts on, or starts a new epoch where the log is younger than `after` or the floor.
        """
        base = max(after, self.floor)
        if base > self.given:
            self.given = Cursor(base.epoch + 1, STRIDE + mark(entry))
        else:
            number = self.given.sequence // STRIDE + 1
            self.given = Cursor(self.given.epoch, number * STRIDE + mark(entry))
        return self.given

    def raise_floor(self, floor: Cursor) -> None:
        """Make later cursors greater than `floor`; entries up to it may be gone with an older log."""
        if floor > self.last:
            self.floor = floor
            self.trimmed = max(self.trimmed, floor)

    def trim(self, upto: Cursor) -> None:
        """Note that the entries at or below `upto` are gone."""
        self.raise_floor(upto)
        self.trimmed = max(self.trimmed, upto)
