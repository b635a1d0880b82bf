"""Which snapshots and history segments retention keeps."""

from hypothesis import given
from hypothesis import strategies as st

from storage.keys import SegmentKey, SnapshotKey
from storage.retention import DAY, HOUR, WEEK, YEAR, expired, keep
from storage.values import ZERO, Cursor

NOW = 1_700_000_000_000


def _series(ages: list[int]) -> list[SnapshotKey]:
    """Snapshots of these ages at NOW; the younger, the higher the cursor."""
    times = sorted(NOW - age for age in ages)
    return [SnapshotKey("a", Cursor(0, number), time, f"{number:032x}") for number, time in enumerate(times)]


series = st.lists(st.integers(0, 2 * YEAR) | st.integers(0, 3 * DAY)).map(_series)


@given(series, st.integers(0, 2 * YEAR))
def test_thinning_step_by_step_keeps_what_thinning_once_keeps(keys: list[SnapshotKey], wait: int) -> None:
    assert keep(keep(keys, NOW), NOW + wait) == keep(keys, NOW + wait)


@given(series)
def test_the_newest_two_and_no_strangers_are_kept(keys: list[SnapshotKey]) -> None:
    kept = keep(keys, NOW)
    assert set(keys[-2:]) <= kept <= set(keys)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2 * NOW)), unique_by=lambda pair: pair[0]))
def test_the_newest_two_by_cursor_are_kept_whatever_the_clock_said(pairs: list[tuple[int, int]]) -> None:
    keys = [SnapshotKey("a", Cursor(0, number), time, "0" * 32) for number, time in sorted(pairs)]
    assert set(keys[-2:]) <= keep(keys, NOW)


@given(series, st.data())
def test_pinned_snapshots_are_kept(keys: list[SnapshotKey], data: st.DataObject) -> None:
    pinned = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    assert pinned <= keep(keys, NOW, {key.name for key in pinned})


@given(series)
def test_every_kept_span_has_a_snapshot_where_there_was_one(keys: list[SnapshotKey]) -> None:
    """For each snapshot within a span, one of the same hour, day or week is kept."""
    kept = keep(keys, NOW)
    for period, age in ((HOUR, DAY), (DAY, 30 * DAY), (WEEK, YEAR)):
        periods = {key.time // period for key in kept}
        for key in keys:
            if NOW - key.time <= age:
                assert key.time // period in periods


@given(series)
def test_the_number_kept_is_bounded(keys: list[SnapshotKey]) -> None:
    assert len(keep(keys, NOW)) <= 2 + 25 + 31 + 54


def test_a_snapshot_each_minute_for_two_days_leaves_hours_and_days() -> None:
    keys = _series([minute * 60_000 for minute in range(2 * 24 * 60)])
    kept = keep(keys, NOW)
    assert 25 <= len(kept) <= 30
    assert all(key.time % HOUR >= HOUR - 60_000 or key.time >= NOW - 2 * 60_000 for key in kept)


def test_nothing_older_than_a_year_is_kept_but_the_newest_two() -> None:
    keys = _series([YEAR + DAY * n for n in range(1, 10)])
    assert keep(keys, NOW) == set(keys[-2:])


@given(st.lists(st.integers(0, 3 * YEAR)), st.integers(0, 2 * YEAR))
def test_segments_expire_by_age(ages: list[int], limit: int) -> None:
    segments = [SegmentKey("a", ZERO, Cursor(0, number), NOW - age) for number, age in enumerate(ages)]
    assert {NOW - key.time for key in expired(segments, NOW, limit)} == {age for age in ages if age > limit}
