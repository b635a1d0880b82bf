"""People who come: `join`, `cold`, `storm`."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from benchmarks.bench.client import Client, Replica
from benchmarks.bench.crowd import Crowd, Room
from benchmarks.bench.latencies import Latencies
from benchmarks.bench.measure import NotConvergedError, Stopwatch, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.papers import paper
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from collab.protocol import ywebsocket
from collab.protocol.lib0 import read_bytes

_PATIENCE = 60.0  # seconds


async def join(target: Target, sizes: Sizes) -> Outcome:
    """A long document is opened by one after the other, then by many at once."""
    _need_documents(target)
    crowd = target.crowd()
    try:
        room = await crowd.open_room(1, 0, paper(sizes.paper_bytes))
        stopwatch = Stopwatch(target.pids)
        alone = [await _join(crowd, [crowd.newcomer(room)]) for _ in range(sizes.joins)]
        together = await _join(crowd, [crowd.newcomer(room) for _ in range(sizes.joins_at_once)])
        window = stopwatch.stop()
        await crowd.check()
        _check_texts(crowd, room)
    finally:
        crowd.close()
    outcome = Outcome()
    outcome.add_spending(window)
    outcome.add_latencies("join", _histogram(alone))
    outcome.figures[f"{sizes.joins_at_once} at once ms"] = together * 1000
    return outcome


async def cold(target: Target, sizes: Sizes) -> Outcome:
    """Long documents that are not in memory are opened, one after the other."""
    _need_documents(target)
    if target.restart is None:
        raise UnsupportedError(f"{target.name} cannot be started again with the same documents")
    crowd = target.crowd()
    try:
        seed = paper(sizes.paper_bytes)
        rooms = [await crowd.open_room(1, 0, seed) for _ in range(sizes.cold)]
        for room in rooms:
            room.clients.pop().cut()
        await asyncio.to_thread(target.restart)
        seconds = [await _join(crowd, [crowd.newcomer(room)]) for room in rooms]
        for room in rooms:
            _check_texts(crowd, room)
    finally:
        crowd.close()
    outcome = Outcome()
    outcome.add_latencies("first join", _histogram(seconds))
    return outcome


async def storm(target: Target, sizes: Sizes) -> Outcome:
    """Everybody types without a network and comes back at the same moment."""
    _need_documents(target)
    crowd = target.crowd()
    try:
        room = await crowd.open_room(1 + sizes.storm, 1 + sizes.storm)
        returning = room.clients[1:]  # the first one stays: some servers forget what nobody has open
        for client in returning:
            client.edit(time.monotonic())
        await crowd.settle()
        await _go_offline(room, returning, sizes.offline_edits)
        stopwatch = Stopwatch(target.pids)
        started = time.monotonic()
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*(client.connect() for client in returning))
        await crowd.quiet()
        window = stopwatch.stop(crowd.ledger.last_arrival)
        await crowd.check()
        last = _converged(crowd, returning)
    finally:
        crowd.close()
    outcome = Outcome()
    outcome.add_spending(window)
    outcome.figures["converged ms"] = (last - started) * 1000
    return outcome


def _need_documents(target: Target) -> None:
    if not target.dialect.syncs:
        raise UnsupportedError(f"{target.name} has no documents to join")


async def _join(crowd: Crowd, clients: Sequence[Client]) -> float:
    """Seconds until all of `clients` have the document; they leave again."""
    started = time.monotonic()
    await asyncio.gather(*(client.connect() for client in clients))
    seconds = max(client.arrivals.times[0] for client in clients) - started
    for client in clients:
        client.cut()
    return seconds


def _check_texts(crowd: Crowd, room: Room) -> None:
    """Everybody who came has got the document. Raises NotConvergedError."""
    expected = Replica()
    expected.doc.apply_update(room.seed)
    for client in room.newcomers:
        got = Replica()
        got.doc.apply_update(read_bytes(crowd.ledger.frame(client.arrivals.frames[0]), 0)[0])
        if got.text != expected.text:
            raise NotConvergedError(f"{room.name}: one who joined got another document")


async def _go_offline(room: Room, clients: Sequence[Client], edits: int) -> None:
    """Cut the sockets, then type."""
    kept = room.clients[0].replica
    assert kept is not None
    clocks = ywebsocket.decode_state_vector(kept.doc.get_state())
    for client in clients:
        client.cut()
    await asyncio.sleep(0)  # the sockets are gone after that
    for client in clients:
        for _ in range(edits):
            client.type(0.0)
        assert client.writer is not None
        own = {client.writer.client: client.writer.clock}
        client.known = ywebsocket.encode_state_vector({**clocks, **own})


def _converged(crowd: Crowd, clients: Iterable[Client]) -> float:
    """When the last of `clients` had all edits of all."""
    typed = set().union(*(client.own for client in clients))
    return max(crowd.ledger.completed(client.arrivals, typed - client.own) for client in clients)


def _histogram(seconds: Iterable[float]) -> Latencies:
    found = Latencies()
    found.add(seconds)
    return found
