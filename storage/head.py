"""The rules for the cursors of one document's log, the same in every backend. Pure."""

from dataclasses import dataclass

from storage.values import ZERO, Cursor


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

    def give(self, after: Cursor) -> Cursor:
        """The cursor of the next entry: above `after`, above the floor, above every one before.

        Counts on, or starts a new epoch where the log is younger than `after` or the floor.
        """
        base = max(after, self.floor)
        if base > self.given:
            self.given = Cursor(base.epoch + 1, 1)
        else:
            self.given = Cursor(self.given.epoch, self.given.sequence + 1)
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
