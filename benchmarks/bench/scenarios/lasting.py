"""Long runs: `replay` of a recorded session, and `soak`."""

import asyncio
import time
from collections.abc import Iterator
from itertools import takewhile
from statistics import linear_regression

from benchmarks import replay as recorded
from benchmarks.authoring import make_steps
from benchmarks.bench.machine import resident_bytes
from benchmarks.bench.measure import NotConvergedError, Stopwatch, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.pace import play
from benchmarks.bench.scenarios.paced import Event, ticks
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.trace import load

_PLAYERS = 5  # clients of a replay, at least
_IN_FLIGHT = 1000


async def replay(target: Target, sizes: Sizes) -> Outcome:
    """A recorded session as fast as it goes; every text is compared with the recorded one."""
    if target.dialect.name not in ("studyhub", "y-websocket"):
        raise UnsupportedError(f"{target.name}: recorded sessions are replayed in y-websocket only")
    trace = load(sizes.trace)
    clients = max(_PLAYERS, trace.agents)
    steps = make_steps(trace, clients, recorded.run_length(trace, clients))
    options = recorded.Options(clients, _IN_FLIGHT, target.dialect.name == "y-websocket", None)
    stopwatch = Stopwatch(target.pids)
    report = await recorded.run(trace, steps, target.urls[0], options, None)
    if report.differing:
        raise NotConvergedError(f"another text than recorded: {', '.join(report.differing)}")
    outcome = Outcome()
    window = stopwatch.read()
    outcome.add_spending(window)  # these clients hold whole documents: the generator may well be the limit
    outcome.figures["edits/s"] = report.edits / report.seconds
    return outcome


async def soak(target: Target, sizes: Sizes) -> Outcome:
    """A room for a long time, everybody typing: how memory grows."""
    if not target.pids:
        raise UnsupportedError("memory can be read only on the server's machine")
    crowd = target.crowd()
    readings: list[tuple[float, float]] = []  # minutes, megabytes
    try:
        room = await crowd.open_room(sizes.soak_clients, sizes.soak_clients, visible=True)
        start = time.monotonic()
        end = start + sizes.soak_minutes * 60
        stopwatch = Stopwatch(target.pids)
        calls = [client.edit_with_cursor for client in room.clients]
        typing = asyncio.create_task(play(_until(ticks(calls, sizes.soak_rate, start), end)))
        while not typing.done():
            await asyncio.wait([typing], timeout=sizes.soak_interval)
            memory = sum(map(resident_bytes, target.pids))
            readings.append(((time.monotonic() - start) / 60, memory / 1e6))
        await typing
        window = stopwatch.stop()
        await crowd.check()
        edits = len(crowd.ledger.intended)
        latencies = crowd.ledger.latencies(crowd.receivers(), window.since, window.until)
    finally:
        crowd.close()
    outcome = Outcome()
    outcome.add_window(window, edits)
    outcome.add_latencies("edit", latencies)
    settled = readings[len(readings) // 4 :]  # the first quarter is what a server allocates once
    outcome.figures["memory MB at the end"] = readings[-1][1]
    outcome.figures["memory MB per hour"] = linear_regression(*zip(*settled, strict=True)).slope * 60
    return outcome


def _until(events: Iterator[Event], end: float) -> Iterator[Event]:
    return takewhile(lambda event: event[0] < end, events)
