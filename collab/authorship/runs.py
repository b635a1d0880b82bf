"""What is known of clock units, in runs: what came first stays. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import NamedTuple


class Mark(NamedTuple):
    """Who did something to a unit, and when."""

    author: str
    """Subject of the part that brought it, "" for nobody known."""
    minute: int
    """Unix time in whole minutes: coarse, so that what somebody types in one go is one run."""


class Run(NamedTuple):
    """Clock units of one client with the same mark."""

    start: int
    stop: int
    """The clock behind the last unit."""
    mark: Mark


Span = tuple[int, int]
"""First clock, and the clock behind the last one."""

_stop = itemgetter(1)


class Runs:
    """Runs by client: ascending, none overlapping, neighbours of different marks."""

    def __init__(self) -> None:
        self._runs: dict[int, list[Run]] = {}

    def clients(self) -> list[int]:
        """All client ids, ascending."""
        return sorted(self._runs)

    def of(self, client: int) -> Sequence[Run]:
        """The runs of one client."""
        return self._runs.get(client, ())

    def all(self) -> Iterator[Run]:
        """The runs of all clients."""
        return chain.from_iterable(self._runs.values())

    def gaps(self, client: int, start: int, stop: int) -> list[Span]:
        """What of a span is not known yet."""
        runs, found = self.of(client), []
        at = bisect_right(runs, start, key=_stop)
        while start < stop:
            if at == len(runs) or runs[at].start >= stop:
                found.append((start, stop))
                break
            if runs[at].start > start:
                found.append((start, runs[at].start))
            start = runs[at].stop
            at += 1
        return found

    def put(self, client: int, span: Span, mark: Mark) -> None:
        """Add a span that `gaps` gave."""
        runs = self._runs.setdefault(client, [])
        start, stop = span
        first = last = bisect_right(runs, start, key=_stop)
        if first and runs[first - 1].stop == start and runs[first - 1].mark == mark:
            first -= 1
            start = runs[first].start
        if last < len(runs) and runs[last].start == stop and runs[last].mark == mark:
            stop = runs[last].stop
            last += 1
        runs[first:last] = [Run(start, stop, mark)]
