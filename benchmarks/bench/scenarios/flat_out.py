"""As much as a server can take: `--max` of `classroom`, `fanout` and `many-docs`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from benchmarks.bench.client import Client
from benchmarks.bench.measure import GeneratorBusyError, NotConvergedError, Stopwatch
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.scenarios.paced import classroom, many_docs
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.bench.wire import WireError
from benchmarks.bench.writing import marks_in

_STEP = 1.5  # from one try of a search to the next, until one fails
_PRECISION = 1.06  # the search ends when the bounds are so close
_BURST = 64  # edits sent before the loop reads again

Attempt = Callable[[float], Awaitable[Outcome]]
"""A run under some load."""


async def fanout(target: Target, sizes: Sizes) -> Outcome:
    """One types as fast as the others receive it."""
    crowd = target.crowd()
    try:
        room = await crowd.open_room(1 + sizes.listeners, 1)
        writer = _Hurry(room.clients[0], room.clients[-1], sizes.in_flight)
        writer.start()
        await asyncio.sleep(sizes.warm_up)
        stopwatch = Stopwatch(target.pids)
        await asyncio.sleep(sizes.seconds)
        window = stopwatch.stop()
        writer.stop()
        await crowd.check()
        deliveries = crowd.ledger.count(crowd.receivers(), window.since, window.until)
        edits = sum(window.since <= at < window.until for at in crowd.ledger.intended)
    finally:
        crowd.close()
    outcome = Outcome()
    outcome.add_window(window, edits)
    outcome.figures["deliveries/s"] = deliveries / window.seconds
    if window.server:
        outcome.figures["deliveries per server CPU s"] = deliveries / window.server
    return outcome


class _Hurry:
    """Keeps a number of edits under way: the next one is sent when the watcher has got an earlier one."""

    def __init__(self, writer: Client, watcher: Client, in_flight: int) -> None:
        self._writer = writer
        self._in_flight = in_flight
        self._under_way = 0
        self._going = False
        self._due = False
        self._loop = asyncio.get_running_loop()
        watcher.on_update = self._received

    def start(self) -> None:
        """Begin to type."""
        self._going = True
        self._type()

    def stop(self) -> None:
        """Type no more."""
        self._going = False

    def _received(self, frame: bytes) -> None:
        self._under_way -= len(marks_in(frame))
        if not self._due:
            self._due = True
            self._loop.call_soon(self._type)

    def _type(self) -> None:
        self._due = False
        if not self._going:
            return
        now = time.monotonic()
        for _ in range(min(_BURST, self._in_flight - self._under_way)):
            self._writer.edit(now)
            self._under_way += 1
        if self._under_way < self._in_flight:
            self._due = True
            self._loop.call_soon(self._type)


async def largest_classroom(target: Target, sizes: Sizes) -> Outcome:
    """The most people in one room, all typing, with p99 within the bound."""

    async def attempt(size: float) -> Outcome:
        return await classroom(target, replace(sizes, classroom=round(size), seconds=sizes.room_seconds))

    return await search(attempt, sizes.classroom, sizes.largest_room, sizes.largest_p99, "people in one room")


async def most_edits(target: Target, sizes: Sizes) -> Outcome:
    """The most edits per second over many documents, with p99 within the bound."""

    async def attempt(rate: float) -> Outcome:
        return await many_docs(target, replace(sizes, edits_rate=rate, seconds=sizes.room_seconds))

    return await search(attempt, sizes.edits_rate, sizes.largest_rate, sizes.largest_p99, "most edits/s")


async def search(attempt: Attempt, start: float, end: float, largest_p99: float, name: str) -> Outcome:
    """The outcome at the largest load that passes: steps up until one fails, then halves the gap.

    Raises what `attempt` raises when already the first step, or a tenth of it, fails.
    """
    best: Outcome | None = None
    low, high, load = 0.0, 0.0, start
    busy = False
    while True:
        try:
            outcome = await attempt(load)
            passed = outcome.figures["edit p99 ms"] <= largest_p99
        except GeneratorBusyError:
            passed, busy = False, True
        except (NotConvergedError, WireError, TimeoutError, OSError):
            passed = False
        if passed:
            best, low = outcome, load
            outcome.figures[name] = load
        else:
            high = load
        if best is None and load < start / 10:
            raise NotConvergedError(f"{name}: not even {load:.0f} pass")
        if low >= end or (low and high and high / low <= _PRECISION):
            break
        load = _next(low, high, load, end)
    assert best is not None
    best.figures["limited by the generator"] = float(busy)
    best.figures["limited by the search"] = float(low >= end)
    return best


def _next(low: float, high: float, load: float, end: float) -> float:
    if not high:
        return min(load * _STEP, end)
    return (low * high) ** 0.5 if low else load / 2
