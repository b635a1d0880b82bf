"""People who do nothing: `idle` and `idle-documents`, what a connection costs in memory."""

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.bench.crowd import Crowd
from benchmarks.bench.machine import resident_bytes
from benchmarks.bench.measure import UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.bench.writing import seed


async def idle(target: Target, sizes: Sizes) -> Outcome:
    """Memory per connection, all in one document."""

    async def fill(crowd: Crowd) -> None:
        await crowd.open_room(sizes.idle, 0, seed(1))

    return await _grow(target, sizes, fill, "KB per connection, one document")


async def idle_documents(target: Target, sizes: Sizes) -> Outcome:
    """Memory per connection, each in a document of its own."""

    async def fill(crowd: Crowd) -> None:
        for _ in range(sizes.idle):
            await crowd.open_room(1, 0, seed(1))

    return await _grow(target, sizes, fill, "KB per connection, a document each")


async def _grow(target: Target, sizes: Sizes, fill: Callable[[Crowd], Awaitable[None]], name: str) -> Outcome:
    if not target.pids:
        raise UnsupportedError("memory can be read only on the server's machine")
    crowd = target.crowd()
    try:
        await crowd.open_room(min(20, sizes.idle), 0, seed(1))  # whatever is allocated once is there now
        before = await _memory(target, sizes)
        await fill(crowd)
        after = await _memory(target, sizes)
        await crowd.check()
    finally:
        crowd.close()
    per_connection = (after - before) / sizes.idle / 1000
    return Outcome({"MB of an idle server": before / 1e6, name: per_connection})


async def _memory(target: Target, sizes: Sizes) -> int:
    await asyncio.sleep(sizes.idle_seconds)
    return sum(map(resident_bytes, target.pids))
