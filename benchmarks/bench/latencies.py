"""A histogram of times with a bounded relative error, as HdrHistogram has (http://hdrhistogram.org). Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate

_DIGITS = 9  # binary digits that are kept: an error below 0.4 %


class Latencies:
    """Times in seconds, kept as microseconds with their leading binary digits."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        """`counts`: as `to_json` gives them."""
        self._counts: Counter[int] = Counter(counts or {})

    def add(self, seconds: Iterable[float]) -> None:
        """Take in times; negative ones count as 0."""
        self._counts.update(_round(max(0, round(time * 1e6))) for time in seconds)

    def merge(self, other: "Latencies") -> None:
        """Take in all times of `other`."""
        self._counts.update(other._counts)

    def __len__(self) -> int:
        return self._counts.total()

    def quantile(self, part: float) -> float:
        """Milliseconds that `part` (0 to 1) of the times do not exceed. Raises ValueError without any."""
        if not self._counts:
            raise ValueError("no times were taken")
        values = sorted(self._counts)
        rank = max(1, part * len(self))
        for value, below in zip(values, accumulate(self._counts[value] for value in values), strict=True):
            if below >= rank:
                return value / 1000
        return values[-1] / 1000

    def to_json(self) -> dict[int, int]:
        """Microseconds to how many times, ascending."""
        return dict(sorted(self._counts.items()))


def _round(microseconds: int) -> int:
    shift = max(0, microseconds.bit_length() - _DIGITS)
    return microseconds >> shift << shift
