"""Where the product takes time, chance or threads from its surroundings: here the world gives them."""

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

import structlog

from benchmarks.simulator.node import InlineWorkers
from benchmarks.simulator.world import EPOCH, Loop, World

_BIG = ("collab.connection", "collab.hub", "collab.relay", "collab.surveys", "storage.offload")
_CLOCKS = ("collab.company", "collab.hub", "collab.room", "collab.snapshotter")
_CHANCES = ("collab.relay", "collab.snapshotter")
_ALARMS = ("error", "critical")
_EXPECTED = "document cannot be opened"  # while storage does not answer


@contextmanager
def seams(world: World, big: int | None) -> Iterator[None]:
    """Bind the product to `world`; `big`: bytes from which on it hands work to a worker process."""
    with ExitStack() as stack:
        for module in _CLOCKS:
            stack.enter_context(patch(f"{module}.unix_milliseconds", _wall))
        for module in _CHANCES:
            stack.enter_context(patch(f"{module}.random", world.random.random))
        for module in _BIG if big is not None else ():
            stack.enter_context(patch(f"{module}.BIG", big))
        stack.enter_context(patch("collab.hub.Workers", InlineWorkers))
        stack.enter_context(_listening(world))
        yield


def _wall() -> int:
    loop: Any = asyncio.get_running_loop()
    return loop.wall() if isinstance(loop, Loop) else int(EPOCH * 1000)


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Every line that the product logs goes into the trace; one that tells of a bug is a failure."""

    def take(_: object, level: str, event: MutableMapping[str, Any]) -> NoReturn:
        name = str(event.pop("event"))
        loop: Any = asyncio._get_running_loop()
        where = loop.name if isinstance(loop, Loop) else ""
        expected = name == _EXPECTED and "corrupt" not in str(event.get("error"))
        if "exc_info" in event or (level in _ALARMS and not expected):
            world.fail(f"{where} logged: {name} {event}")
        else:
            world.note("log", f"{where} {name} {event.get('material', '')}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, take],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
