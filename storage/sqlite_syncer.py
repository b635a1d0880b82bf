"""The one thread that syncs the WAL of the SQLite log.

A disk that takes its time for a sync delays acknowledgements, but not what is recorded and shown meanwhile.
"""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from storage.disk import sync_file, sync_folder

_REST = 9.0  # of the time that a sync took: under load more edits share one
_LONGEST_REST = 0.005  # seconds
_NOTHING = -1  # the generation of a sync that is none


class WalFile:
    """The `-wal` file beside a database, opened for syncing only."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-wal")
        self._descriptor = -1
        self._inode: tuple[int, int] | None = None  # of the open descriptor

    def sync(self) -> None:
        """Return when the file is on the disk. Raises OSError."""
        status = os.stat(self._path)
        if self._inode != (status.st_dev, status.st_ino):
            self._reopen()
        sync_file(self._descriptor)

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._inode is not None:
            os.close(self._descriptor)
            self._inode = None

    def _reopen(self) -> None:
        self.close()
        self._descriptor = os.open(self._path, os.O_RDWR)
        status = os.fstat(self._descriptor)
        self._inode = (status.st_dev, status.st_ino)
        sync_folder(self._path.parent)  # SQLite syncs the name of a new WAL only with its own first sync


class Sync(NamedTuple):
    """One sync of what was written in a generation of the WAL."""

    generation: int
    on_over: Callable[[Exception | None], None]
    """Called by the syncing thread, with the reason where it failed."""


class Syncer:
    """Syncs one after the other; those that wait share one.

    After a failed sync the kernel may have dropped what it could not write, and a later sync of the same file
    would succeed without it. So all further syncs of that generation fail as well, until the writer has begun
    a new one.
    """

    def __init__(self, database: Path) -> None:
        self._wal = WalFile(database)
        self._queue: queue.SimpleQueue[Sync | None] = queue.SimpleQueue()
        self._next = 0.0  # no sync starts before, on the clock of time.monotonic
        self._failure: tuple[int, Exception] | None = None  # the generation, and why
        self._thread = threading.Thread(target=self._run, name="sqlite-sync", daemon=True)
        self._thread.start()

    def start(self, sync: Sync) -> None:
        """Have it done."""
        self._queue.put(sync)

    def has_failed(self, generation: int) -> bool:
        """Whether a sync of this generation of the WAL has failed."""
        return self._failure is not None and self._failure[0] >= generation

    def finish(self) -> None:
        """Return when all syncs that were started are over. Blocking."""
        over = threading.Event()
        self._queue.put(Sync(_NOTHING, lambda _: over.set()))
        over.wait()

    def close(self) -> None:
        """End, after all that was started. Blocking."""
        self._queue.put(None)
        self._thread.join()
        self._wal.close()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            time.sleep(max(0.0, self._next - time.monotonic()))
            group = [first]
            while not self._queue.empty():
                group.append(self._queue.get())
            self._sync([sync for sync in group if sync is not None])
            if None in group:
                return

    def _sync(self, group: list[Sync]) -> None:
        sound = [sync.generation for sync in group if not self.has_failed(sync.generation)]
        if max(sound, default=_NOTHING) != _NOTHING:
            started = time.monotonic()
            try:
                self._wal.sync()
            except Exception as error:  # noqa: BLE001 - whatever it was, everyone in the group is told
                self._failure = (max(sound), error)
            now = time.monotonic()
            self._next = now + min(_REST * (now - started), _LONGEST_REST)
        for sync in group:
            failed = self._failure is not None and self.has_failed(sync.generation)
            sync.on_over(self._failure[1] if self._failure and failed else None)
