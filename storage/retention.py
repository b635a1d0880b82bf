"""Which snapshots and history segments are kept. Pure.

Times are Unix times in milliseconds. Thinning again later keeps what thinning once at that time would keep,
since the newest of a week is the newest of its day, and the newest of a day that of its hour.
"""

from collections.abc import Collection, Iterable

from storage.keys import SegmentKey, SnapshotKey

HOUR = 3_600_000
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365 * DAY

NEWEST = 2
"""Snapshots that are kept however close together: the log is trimmed up to the second newest."""

_RULES = ((HOUR, DAY), (DAY, 30 * DAY), (WEEK, YEAR))  # one snapshot per period, kept up to this age


def keep(snapshots: Collection[SnapshotKey], now: int, pinned: Collection[str] = ()) -> set[SnapshotKey]:
    """The snapshots of one document to keep.

    The newest two, every one whose name is in `pinned`, and the newest of each hour for a day, of each day
    for 30 days and of each week for a year.
    """
    kept = {key for key in snapshots if key.name in pinned}
    kept.update(sorted(snapshots, key=lambda key: key.cursor)[-NEWEST:])
    for period, age in _RULES:
        kept.update(key for key in _newest_per(period, snapshots) if now - key.time <= age)
    return kept


def expired(segments: Iterable[SegmentKey], now: int, age: int = YEAR) -> set[SegmentKey]:
    """The history segments older than `age` milliseconds."""
    return {key for key in segments if now - key.time > age}


def _newest_per(period: int, snapshots: Iterable[SnapshotKey]) -> Iterable[SnapshotKey]:
    newest: dict[int, SnapshotKey] = {}
    for key in sorted(snapshots, key=lambda key: (key.time, key.cursor)):
        newest[key.time // period] = key
    return newest.values()
