"""What the cursors of one document say about entries that are missing. Pure.

Within an epoch every entry has the number after the one before (`storage.head`), so a gap shows. How an epoch
ended does not show: a log that lost its end goes on in the next epoch.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from storage.head import STRIDE
from storage.values import Cursor


def number(cursor: Cursor) -> int:
    """The place of an entry in its epoch, from 1 on."""
    return cursor.sequence // STRIDE


def gaps(cursors: Iterable[Cursor]) -> Iterator[tuple[Cursor, Cursor]]:
    """The neighbours in `cursors`, ascending, between which entries are missing."""
    for before, after in pairwise(cursors):
        begun = number(before) if before.epoch == after.epoch else 0
        if number(after) > begun + 1:
            yield before, after


def connected(cursors: Sequence[Cursor]) -> bool:
    """Whether nothing can be missing between the first and the last of `cursors`: one epoch, no gap."""
    return cursors[0].epoch == cursors[-1].epoch and next(gaps(cursors), None) is None


def trimmed_on(marker: Cursor, later: Sequence[Cursor]) -> bool:
    """Whether entries up to the trim `marker` were trimmed by a compaction.

    The other way there is a log that turned out younger than its snapshots: it goes on in the next epoch, so
    nothing in `later` has the marker's epoch.
    """
    return any(cursor > marker and cursor.epoch == marker.epoch for cursor in later)
