"""A worker process for what would hold the event loop up: big updates, big documents, suspects.

pycrdt holds the GIL, so a thread would not help.
"""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

_T = TypeVar("_T")


_NICE = 10  # where cores are few, a snapshot must not take the event loop's turn


def _begin() -> None:
    """A worker gives way to the event loop, and ends with it: it waits for jobs for ever."""
    os.nice(_NICE)
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a worker"

    def wait() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _start() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_begin)


class WorkerDied(Exception):
    """The job killed its process: the input is poison."""


class Workers:
    """One worker process, started at first use and again after a death.

    Clients' edits and the server's own housekeeping take one each, so that neither waits for the other.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()  # one job at a time has a worker of its own

    @property
    def pool(self) -> ProcessPoolExecutor:
        """The executor, for callers that bring their own jobs; after a failed one they call `replace`."""
        if self._pool is None:
            self._pool = _start()
        return self._pool

    def replace(self) -> None:
        """Start a new worker at the next use: a job may have killed this one.

        Jobs of others that wait for the old one are finished by it: a cancelled one would look to its caller
        as if the caller had been cancelled.
        """
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    async def run(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Call a module-level function in the worker. Raises WorkerDied, and what the function raises.

        A job that shared the worker with a deadly one is tried once more, in a worker of its own.
        """
        loop, pool = asyncio.get_running_loop(), self.pool
        try:
            return await loop.run_in_executor(pool, function, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:  # otherwise another job has replaced it
                self.replace()
        async with self._alone:
            own = _start()
            try:
                return await loop.run_in_executor(own, function, *arguments)
            except BrokenProcessPool as error:
                raise WorkerDied(function.__name__) from error
            finally:
                own.shutdown(wait=False)

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
