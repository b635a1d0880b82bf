"""The scripts follow the rules of storage.head."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.base import UpdateLog
from storage.errors import LostTail
from storage.memory_log import MemoryLog
from storage.testing import append
from storage.values import ZERO, Cursor, LogState, Position
from tests.servers import Valkey
from tests.storage.redis_parts import fresh_prefix, opened


class Step(NamedTuple):
    """One call. `at` is a cursor, or the number of one given out before."""

    kind: str
    at: Cursor | int
    entry: bytes


CURSORS = st.builds(Cursor, st.integers(0, 4), st.integers(0, 2**53 - 2)) | st.integers(0, 20)
STEPS = st.builds(
    Step, st.sampled_from(["append", "append", "heal", "trim", "floor"]), CURSORS, st.binary(max_size=5)
)
Result = tuple[list[Cursor], list[Position], list[tuple[Cursor, bytes]], LogState]


async def _played(log: UpdateLog, steps: list[Step]) -> Result:
    """What becomes of the steps; the cursor ZERO stands for a refused entry."""
    given, positions = [ZERO], []
    for kind, at, entry in steps:
        cursor = at if isinstance(at, Cursor) else given[at % len(given)]
        if kind == "trim":
            await log.trim("a", cursor)
        elif kind == "floor":
            await log.raise_floor("a", cursor)
        else:
            try:
                given.append(await append(log, "a", entry, cursor, heals=kind == "heal"))
            except LostTail:
                given.append(ZERO)
        positions += await log.positions(["a", "b"])
    return given, positions, await log.read("a", ZERO), await log.state("a")


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@given(st.lists(STEPS, max_size=12))
@settings(max_examples=150)
def test_any_calls_give_what_the_log_in_memory_gives(
    runner: asyncio.Runner, valkey: Valkey, steps: list[Step]
) -> None:
    async def compare() -> None:
        async with opened(valkey, fresh_prefix(), clock=lambda: 5) as log:
            memory = MemoryLog(clock=lambda: 5)
            assert await _played(log, steps) == await _played(memory, steps)

    runner.run(compare())
