"""People who do nothing: `idle`, what a connection costs in memory."""

import asyncio

from benchmarks.bench.machine import resident_bytes
from benchmarks.bench.measure import UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.bench.writing import seed


async def idle(target: Target, sizes: Sizes) -> Outcome:
    """Memory per connection: all in one document, then each in a document of its own."""
    if not target.pids:
        raise UnsupportedError("memory can be read only on the server's machine")
    crowd = target.crowd()
    try:
        await crowd.open_room(min(20, sizes.idle), 0, seed(1))  # whatever is allocated once is there now
        empty = await _memory(target, sizes)
        await crowd.open_room(sizes.idle, 0, seed(1))
        together = await _memory(target, sizes)
        for _ in range(sizes.idle):
            await crowd.open_room(1, 0, seed(1))
        apart = await _memory(target, sizes)
        await crowd.check()
    finally:
        crowd.close()
    return Outcome(
        {
            "KB of an idle server": empty / 1000,
            "KB per connection, one document": (together - empty) / sizes.idle / 1000,
            "KB per connection, a document each": (apart - together) / sizes.idle / 1000,
        }
    )


async def _memory(target: Target, sizes: Sizes) -> int:
    await asyncio.sleep(sizes.idle_seconds)
    return sum(map(resident_bytes, target.pids))
