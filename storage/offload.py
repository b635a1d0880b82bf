"""Running long pure functions away from the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from typing import TypeVar, TypeVarTuple

from storage.errors import Unavailable

T = TypeVar("T")
Args = TypeVarTuple("Args")

BIG = 256 * 1024
"""Bytes of state above which work goes to the executor; below, the way there costs more than the work."""


async def offload(executor: Executor | None, size: int, function: Callable[[*Args], T], *args: *Args) -> T:
    """What `function` returns for `args`, run by `executor` when there is one and `size` is above BIG.

    Raises Unavailable when the executor broke, for example because a worker was killed.
    """
    if executor is None or size <= BIG:
        return function(*args)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
    except BrokenExecutor as error:
        raise Unavailable("run", getattr(function, "__name__", ""), error) from error
