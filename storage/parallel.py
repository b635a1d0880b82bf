"""Doing the same to many things, some at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

T = TypeVar("T")


async def each(work: Callable[[T], Coroutine[None, None, None]], items: Iterable[T], parallel: int) -> None:
    """Run `work` on every item, `parallel` at a time; the first error ends all, and is raised."""
    left = iter(items)

    async def go_on() -> None:
        for item in left:  # shared: each item is taken once
            await work(item)

    tasks = [asyncio.create_task(go_on()) for _ in range(parallel)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
