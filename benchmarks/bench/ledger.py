"""What was sent when, and who received which frames when. Everything is worked out after the run."""

import math
import time
from array import array
from collections.abc import Iterable

from benchmarks.bench.latencies import Latencies
from benchmarks.bench.writing import MARKS, marks_in

_MAX_PAIRS = 2_000_000  # deliveries whose latency is worked out; more are sampled by receiver
_LARGE = 16_384  # bytes of a frame that is not compared with others: hashing it would take too long


class Arrivals:
    """Which frames one receiver got, and when."""

    __slots__ = ("frames", "times")

    def __init__(self) -> None:
        self.frames = array("l")  # numbers in the ledger
        self.times = array("d")  # seconds, time.monotonic()


class Ledger:
    """All edits and distinct frames of one run.

    Attributes:
        intended: when each edit should be sent, by its mark's number, time.monotonic().
        sent: when each was made.
        last_arrival: when any receiver got a frame for the last time.
    """

    def __init__(self) -> None:
        self.intended = array("d")
        self.sent = array("d")
        self.last_arrival = 0.0
        self._numbers: dict[bytes, int] = {}
        self._frames: list[bytes] = []
        self._marks: list[frozenset[int] | None] = []

    def edit(self, intended: float) -> int:
        """Note an edit; the number of its mark. Raises OverflowError when all marks are used."""
        number = len(self.intended)
        if number >= MARKS:
            raise OverflowError(f"a run has at most {MARKS} edits")
        self.intended.append(intended)
        self.sent.append(time.monotonic())
        return number

    def arrive(self, arrivals: Arrivals, frame: bytes, now: float) -> None:
        """Note that a frame with edits came."""
        number = self._numbers.get(frame) if len(frame) < _LARGE else None
        if number is None:
            number = len(self._frames)
            self._frames.append(frame)
            self._marks.append(None)
            if len(frame) < _LARGE:
                self._numbers[frame] = number
        arrivals.frames.append(number)
        arrivals.times.append(now)
        self.last_arrival = now

    def marks(self, number: int) -> frozenset[int]:
        """The marks in a frame."""
        marks = self._marks[number]
        if marks is None:
            marks = self._marks[number] = frozenset(marks_in(self._frames[number]))
        return marks

    def seen(self, arrivals: Arrivals) -> set[int]:
        """All marks that a receiver got."""
        return set().union(*map(self.marks, set(arrivals.frames)))

    def completed(self, arrivals: Arrivals, wanted: set[int]) -> float:
        """When a receiver had all of `wanted`; infinity if it never did."""
        left = set(wanted)
        for number, at in zip(arrivals.frames, arrivals.times, strict=True):
            left -= self.marks(number)
            if not left:
                return at
        return math.inf

    def frame(self, number: int) -> bytes:
        """The bytes behind the message's type: a length and an update."""
        return self._frames[number]

    def count(self, receivers: Iterable[tuple[Arrivals, set[int]]], since: float, until: float) -> int:
        """Edits received in a span of time, over all receivers; `receivers` as for `latencies`."""
        total = 0
        for arrivals, own in receivers:
            for number, at in zip(arrivals.frames, arrivals.times, strict=True):
                if since <= at < until:
                    total += len(self.marks(number) - own)
        return total

    def latencies(self, receivers: list[tuple[Arrivals, set[int]]], since: float, until: float) -> Latencies:
        """From the intended sending to the arrival, of edits meant to be sent in a span of time.

        `receivers`: what came, and the receiver's own marks, which do not count.
        """
        edits = sum(since <= at < until for at in self.intended)
        step = 1 + edits * len(receivers) // _MAX_PAIRS
        found = Latencies()
        for arrivals, own in receivers[::step]:
            found.add(self._first_sights(arrivals, own, since, until))
        return found

    def lateness(self, since: float, until: float) -> Latencies:
        """How late edits were sent that were meant for a span of time: the generator's own part."""
        found = Latencies()
        made = zip(self.intended, self.sent, strict=True)
        found.add(at - meant for meant, at in made if since <= meant < until)
        return found

    def _first_sights(self, arrivals: Arrivals, own: set[int], since: float, until: float) -> Iterable[float]:
        intended = self.intended
        seen = set(own)
        for number, at in zip(arrivals.frames, arrivals.times, strict=True):
            new = self.marks(number) - seen
            seen |= new
            yield from (at - intended[mark] for mark in new if since <= intended[mark] < until)
