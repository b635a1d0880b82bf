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


def _die_with_parent() -> None:
    """A worker waits for jobs for ever; one whose server was killed would never end."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a worker"

    def wait() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


class WorkerDied(Exception):
    """The job killed its process: the input is poison."""


class Workers:
    """One worker process, started at first use and again after a death.

    Clients' edits and the server's own housekeeping take one each, so that neither waits for the other.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    @property
    def pool(self) -> ProcessPoolExecutor:
        """The executor, for callers that bring their own jobs; after a failed one they call `replace`."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_die_with_parent)
        return self._pool

    def replace(self) -> None:
        """Start a new worker at the next use: a job may have killed this one."""
        self.close()

    async def run(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Call a module-level function in the worker. Raises WorkerDied, and what the function raises.

        A job that shared the worker with a deadly one is tried once more, on its own.
        """
        for attempt in (1, 2):
            try:
                return await asyncio.get_running_loop().run_in_executor(self.pool, function, *arguments)
            except BrokenProcessPool as error:
                self.replace()
                if attempt == 2:
                    raise WorkerDied(function.__name__) from error
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
