"""People who type at a steady pace: `classroom`, `many-docs`, `ack`, and `fanout` when paced."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pycrdt

from benchmarks.bench.client import Client
from benchmarks.bench.crowd import Crowd
from benchmarks.bench.latencies import Latencies
from benchmarks.bench.measure import NotConvergedError, Stopwatch, UnsupportedError, Window
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.pace import play
from benchmarks.bench.papers import paper
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.bench.writing import seed

Event = tuple[float, Callable[[float], object]]


def ticks(calls: Sequence[Callable[[float], object]], rate: float, since: float) -> Iterator[Event]:
    """Each of `calls` `rate` times a second, for ever, each at a phase of its own."""
    chance = random.Random(len(calls))  # the same phases for every server
    period = 1 / rate
    phases = sorted((chance.uniform(0, period), index) for index in range(len(calls)))
    turn = 0
    while True:
        for phase, index in phases:
            yield since + turn * period + phase, calls[index]
        turn += 1


async def type_steadily(
    calls: Sequence[Callable[[float], object]], rate: float, sizes: Sizes, pids: tuple[int, ...]
) -> Window:
    """Make `calls` at `rate` through the warm-up and the window. Raises GeneratorBusyError."""
    start = time.monotonic()
    events = ticks(calls, rate, start)
    await play(_until(events, start + sizes.warm_up))
    stopwatch = Stopwatch(pids)
    await play(_until(events, start + sizes.warm_up + sizes.seconds))
    return stopwatch.stop()


def _until(events: Iterator[Event], end: float) -> Iterator[Event]:
    for event in events:
        yield event
        if event[0] >= end:
            return


async def measure(
    crowd: Crowd,
    clients: Sequence[Client],
    rate: float,
    sizes: Sizes,
    pids: tuple[int, ...],
    *,
    cursors: bool,
) -> Outcome:
    """`clients` type at `rate` each; everybody else receives. Raises what a run may raise."""
    calls = [client.edit_with_cursor if cursors else client.edit for client in clients]
    window = await type_steadily(calls, rate, sizes, pids)
    await crowd.check()
    return _outcome(crowd, window)


def _outcome(crowd: Crowd, window: Window) -> Outcome:
    edits = sum(window.since <= at < window.until for at in crowd.ledger.intended)
    latencies = crowd.ledger.latencies(crowd.receivers(), window.since, window.until)
    outcome = Outcome()
    outcome.add_window(window, edits)
    outcome.add_latencies("edit", latencies)
    lateness = crowd.ledger.lateness(window.since, window.until)
    outcome.figures["generator late, p99 ms"] = lateness.quantile(0.99)
    return outcome


async def classroom(target: Target, sizes: Sizes) -> Outcome:
    """Everybody in one room types and shows a caret."""
    crowd = target.crowd()
    try:
        room = await crowd.open_room(sizes.classroom, sizes.classroom, _document(sizes), visible=True)
        return await measure(crowd, room.clients, sizes.typing_rate, sizes, target.pids, cursors=True)
    finally:
        crowd.close()


def _document(sizes: Sizes) -> bytes | None:
    """A line for each writer, and a long text beside them if one is wanted."""
    if not sizes.classroom_bytes:
        return None
    return pycrdt.merge_updates(seed(sizes.classroom), paper(sizes.classroom_bytes))


async def large_classroom(target: Target, sizes: Sizes) -> Outcome:
    """The same with more people."""
    return await classroom(target, replace(sizes, classroom=sizes.large_classroom))


async def nodes(target: Target, sizes: Sizes) -> Outcome:
    """The same with the room spread over one, two and three nodes on one Redis."""
    return await classroom(target, sizes)


async def fanout(target: Target, sizes: Sizes) -> Outcome:
    """One types, many read."""
    crowd = target.crowd()
    try:
        room = await crowd.open_room(1 + sizes.listeners, 1)
        return await measure(crowd, room.clients[:1], sizes.writer_rate, sizes, target.pids, cursors=False)
    finally:
        crowd.close()


async def many_docs(target: Target, sizes: Sizes) -> Outcome:
    """Two people in each of many documents."""
    crowd = target.crowd()
    try:
        for _ in range(sizes.documents):
            await crowd.open_room(2, 2)
        rate = sizes.edits_rate / (2 * sizes.documents)
        return await measure(crowd, crowd.clients, rate, sizes, target.pids, cursors=False)
    finally:
        crowd.close()


async def ack(target: Target, sizes: Sizes) -> Outcome:
    """From an edit to the word that it is safe; where the server says that."""
    if not target.dialect.acknowledges:
        raise UnsupportedError(f"{target.name} acknowledges nothing")
    crowd = target.crowd()
    found: list[tuple[float, float]] = []  # intended, acknowledged
    try:
        for _ in range(sizes.ack_documents):
            await crowd.open_room(2, 2)
        for client in crowd.clients:
            client.on_ack = lambda intended: found.append((intended, time.monotonic()))
        rate = sizes.edits_rate / (2 * sizes.ack_documents)
        window = await type_steadily([client.edit for client in crowd.clients], rate, sizes, target.pids)
        await crowd.check()
        outcome = _outcome(crowd, window)
    finally:
        crowd.close()
    latencies = Latencies()
    latencies.add(at - intended for intended, at in found if window.since <= intended < window.until)
    unanswered = sum(client.waits for client in crowd.clients)
    if unanswered:
        raise NotConvergedError(f"{unanswered} edits were never acknowledged")
    outcome.add_latencies(target.dialect.acknowledges, latencies)
    return outcome
