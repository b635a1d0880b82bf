"""Calls are made in order, never early, and with the time that was meant."""

import time

import pytest
import uvloop

from benchmarks.bench.pace import play

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    factory = {"loop_factory": uvloop.new_event_loop} if request.param == "uvloop" else {}
    return "asyncio", factory


async def test_calls_come_in_order_and_not_before_their_time() -> None:
    start = time.monotonic()
    meant = [start + index / 5000 for index in range(200)]  # more than one batch
    calls: list[tuple[float, float]] = []

    await play((at, lambda at: calls.append((at, time.monotonic()))) for at in meant)

    assert [at for at, _ in calls] == meant
    assert all(made >= at for at, made in calls)


async def test_what_is_late_is_made_with_the_time_that_was_meant() -> None:
    past = time.monotonic() - 5
    calls: list[float] = []

    await play([(past, calls.append), (past + 1, calls.append)])

    assert calls == [past, past + 1]


async def test_the_error_of_a_call_ends_the_play() -> None:
    def fail(_: float) -> None:
        raise ConnectionError("gone")

    calls: list[float] = []
    with pytest.raises(ConnectionError, match="gone"):
        await play([(0.0, fail), (0.0, calls.append)])

    assert calls == []


async def test_nothing_to_play_is_over_at_once() -> None:
    await play([])
