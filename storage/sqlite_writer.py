"""The one thread that writes the SQLite log: group commit, then one sync for the group.

With `synchronous=NORMAL` a commit writes the WAL without syncing it, so a group is recorded after one write
and tells so at once; then one sync of the `-wal` file covers the whole group.
"""

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from storage.base import Outcome
from storage.disk import sync_file, sync_folder
from storage.errors import LostTail
from storage.sqlite_tables import Transaction, open_database, unavailable
from storage.values import Cursor, Level

_CHECKPOINT_BYTES = 4 * 2**20  # WAL written between two checkpoints, as SQLite's default of 1000 pages
_PAGE = 4096  # bytes; what a small row costs in the WAL, about

_logger = structlog.get_logger(__name__)


class Work(NamedTuple):
    """One write that waits for its group."""

    operation: str
    """For the error, for example "append"."""
    doc: str
    run: Callable[[Transaction], Cursor | None]
    """The cursor; None where the entry is refused with LostTail."""
    outcome: Outcome
    size: int
    """Bytes that it writes, about."""


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


class Writer:
    """Takes work from the event loop and tells its outcomes there.

    A group that fails fails for everyone in it, and the next one starts on a new connection: the thread
    ends by `close` only.
    """

    def __init__(
        self, path: Path, loop: asyncio.AbstractEventLoop, clock: Callable[[], int], busy_seconds: float
    ) -> None:
        self._path = path
        self._loop = loop
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()  # None: no more work comes
        self._connection: sqlite3.Connection | None = None
        self._create = True  # until the database was opened once
        self._wal = WalFile(path)
        self._written = 0  # bytes since the last checkpoint, about
        self._thread = threading.Thread(target=self._run, name="sqlite-log", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Write with the next group."""
        self._queue.put(work)

    async def close(self) -> None:
        """Finish all work that was submitted; its outcomes are told on return."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)  # what it told was scheduled before this resumes

    def _run(self) -> None:
        open_for_work = True
        while open_for_work:
            group = self._next_group()
            open_for_work = None not in group
            work = [item for item in group if item is not None]
            if work:
                self._write(work)
        self._disconnect()

    def _next_group(self) -> list[Work | None]:
        group = [self._queue.get()]
        try:
            while True:
                group.append(self._queue.get_nowait())
        except queue.Empty:
            return group

    def _write(self, group: list[Work]) -> None:
        try:
            cursors = self._commit(group)
            pairs = zip(group, cursors, strict=True)
            self._tell(partial(_tell_committed, work, at) for work, at in pairs)
            self._wal.sync()
        except Exception as error:  # noqa: BLE001 - whatever it was, everyone in the group is told
            self._disconnect()
            self._tell(
                partial(work.outcome.failed, unavailable(work.operation, work.doc, error)) for work in group
            )
            return
        self._tell(
            partial(work.outcome.reached, Level.SYNCED)
            for work, at in zip(group, cursors, strict=True)
            if at is not None
        )
        self._written += sum(work.size + _PAGE for work in group)
        if self._written > _CHECKPOINT_BYTES:
            self._checkpoint()

    def _commit(self, group: list[Work]) -> list[Cursor | None]:
        transaction = Transaction(self._connected(), self._clock())
        cursors = [work.run(transaction) for work in group]
        transaction.commit()
        return cursors

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = open_database(self._path, create=self._create, busy_seconds=self._busy_seconds)
            try:
                _checkpoint_all(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._create = False
        return self._connection

    def _disconnect(self) -> None:
        self._wal.close()
        if self._connection is not None:
            try:
                self._connection.close()
            except sqlite3.Error as error:
                _logger.warning("log not closed", path=str(self._path), error=str(error))
            self._connection = None

    def _checkpoint(self) -> None:
        """Move the WAL into the database; SQLite syncs each before it relies on it."""
        self._written = 0
        try:
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            # Nothing is lost: the WAL keeps everything and grows until a checkpoint succeeds.
            _logger.warning("log not checkpointed", path=str(self._path), error=str(error))

    def _tell(self, calls: Iterable[Callable[[], None]]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_call_all, self._loop, list(calls))


def _tell_committed(work: Work, cursor: Cursor | None) -> None:
    if cursor is None:
        work.outcome.failed(LostTail(work.operation, work.doc, "the log lacks what the entry rests on"))
    else:
        work.outcome.recorded(cursor)


def _checkpoint_all(connection: sqlite3.Connection) -> None:
    """Start from an empty WAL and a synced database.

    After a failed sync the kernel may have dropped what it could not write, and a later sync of the same file
    would succeed without it; so nothing is written behind such a WAL. Raises sqlite3.Error.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("another program reads the database")


def _call_all(loop: asyncio.AbstractEventLoop, calls: list[Callable[[], None]]) -> None:
    for call in calls:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - one caller's fault must not hide the others' outcomes
            loop.call_exception_handler({"message": "an outcome raised", "exception": error})
