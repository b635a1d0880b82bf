"""Writes the SQLite log: group commit, then one sync for the group.

With `synchronous=NORMAL` a commit is a write of the WAL into the kernel's memory, which takes less time than
handing it to a thread and back. So all that is submitted in a turn of the event loop is committed at its end,
right there, and is recorded. Whatever may take longer has a thread: opening the database, waiting for another
program's lock, big writes, checkpoints, and the sync that covers the group.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from storage.base import Outcome
from storage.errors import LostTail
from storage.sqlite_syncer import Sync, Syncer
from storage.sqlite_tables import Heads, Transaction, open_database, unavailable
from storage.values import Cursor, Level

_CHECKPOINT_BYTES = 4 * 2**20  # WAL written between two checkpoints, as SQLite's default of 1000 pages
_LARGEST_WAL = 16 << 20  # bytes that it was written with since a checkpoint reached its end, about
_PAGE = 4096  # bytes; what a small row costs in the WAL, about
_BIG = 256 << 10  # bytes of a group that a thread writes
_MAX_UNSYNCED = 4 << 20  # bytes that are committed; beyond it a disk that does not sync holds the rooms up
_MAX_HEADS = 10_000  # documents whose heads are remembered

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
    is_slow: bool = False
    """Whether it may touch many rows."""


class Writer:
    """Takes work and tells its outcomes, all on the event loop.

    A group that fails fails for everyone in it, and the next one starts on a new connection.
    """

    def __init__(
        self, path: Path, loop: asyncio.AbstractEventLoop, clock: Callable[[], int], busy_seconds: float
    ) -> None:
        self._path = path
        self._loop = loop
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._waiting: list[Work] = []
        self._scheduled = False
        self._under_way: Future[list[Cursor | None]] | None = None  # a group that the thread writes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")
        self._connection: sqlite3.Connection | None = None
        self._is_sound = True  # the connection, if there is one
        self._create = True  # until the database was opened once
        self._heads: Heads = {}
        self._syncer = Syncer(path)
        self._generation = 0  # of the WAL; the next one begins after a failed sync
        self._unsynced = 0  # bytes that a sync is wanted for
        self._written = 0  # bytes since the last checkpoint, about
        self._wal_bytes = 0  # since one reached the end of the WAL, about
        self._checkpoints = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._checkpoint: Future[None] | None = None  # the newest

    def submit(self, work: Work) -> None:
        """Write with the next group."""
        self._waiting.append(work)
        self._schedule()

    async def close(self) -> None:
        """Finish all work that was submitted; its outcomes are told on return."""
        while self._waiting or self._under_way is not None:  # noqa: ASYNC110 - once, and not for long
            await asyncio.sleep(0.001)
        await self._loop.run_in_executor(self._thread, self._disconnect)
        for part in (self._thread, self._checkpoints):
            part.shutdown()
        self._syncer.close()
        await asyncio.sleep(0)  # what the syncing thread told was scheduled before this

    def _schedule(self) -> None:
        if not self._scheduled and self._under_way is None and self._unsynced < _MAX_UNSYNCED:
            self._scheduled = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._scheduled = False
        group, self._waiting = self._waiting, []
        connection = self._connection
        if (
            connection is None
            or not self._is_sound
            or self._syncer.has_failed(self._generation)
            or (self._checkpoint is not None and self._checkpoint.done())
            or any(work.is_slow for work in group)
            or sum(work.size for work in group) > _BIG
        ):
            self._write_in_thread(group)
            return
        try:
            cursors = self._commit(connection, group)
        except Exception as error:  # noqa: BLE001 - whatever it was, everyone in the group is told
            self._heads.clear()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                self._write_in_thread(group)
            else:
                self._is_sound = False
                self._call_all(_failed(group, error))
        else:
            self._committed(group, cursors)

    def _commit(self, connection: sqlite3.Connection, group: list[Work]) -> list[Cursor | None]:
        if len(self._heads) > _MAX_HEADS:
            self._heads.clear()
        transaction = Transaction(connection, self._clock(), self._heads)
        cursors = [work.run(transaction) for work in group]
        transaction.commit()
        return cursors

    def _committed(self, group: list[Work], cursors: list[Cursor | None]) -> None:
        done = list(zip(group, cursors, strict=True))
        over = partial(self._synced, done)
        self._syncer.start(Sync(self._generation, lambda error: self._tell(partial(over, error))))
        size = sum(work.size for work in group)
        self._unsynced += size
        self._written += size + _PAGE * len(group)
        self._wal_bytes += size + _PAGE * len(group)
        if self._written > _CHECKPOINT_BYTES and (self._checkpoint is None or self._checkpoint.done()):
            self._written = 0
            self._checkpoint = self._checkpoints.submit(self._run_checkpoint)
        self._call_all(partial(_tell_committed, work, at) for work, at in done)

    def _synced(self, done: list[tuple[Work, Cursor | None]], error: Exception | None) -> None:
        self._unsynced -= sum(work.size for work, _ in done)
        if self._waiting:
            self._schedule()
        if error is not None:
            self._call_all(_failed([work for work, _ in done], error))
        else:
            reached = (work.outcome.reached for work, cursor in done if cursor is not None)
            self._call_all(partial(tell, Level.SYNCED) for tell in reached)

    def _call_all(self, calls: Iterable[Callable[[], None]]) -> None:
        for call in calls:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - one caller's fault must not hide the others' outcomes
                self._loop.call_exception_handler({"message": "an outcome raised", "exception": error})

    def _tell(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call)

    # In the thread

    def _write_in_thread(self, group: list[Work]) -> None:
        self._under_way = self._thread.submit(self._commit_with_patience, group)
        self._under_way.add_done_callback(
            lambda over: self._tell(partial(self._written_in_thread, group, over))
        )

    def _written_in_thread(self, group: list[Work], over: Future[list[Cursor | None]]) -> None:
        """On the event loop again."""
        self._under_way = None
        error = over.exception()
        if isinstance(error, Exception):
            self._call_all(_failed(group, error))
        else:
            self._committed(group, over.result())
        if self._waiting:
            self._schedule()

    def _commit_with_patience(self, group: list[Work]) -> list[Cursor | None]:
        try:
            connection = self._connected()
            self._catch_up(connection)
            connection.execute(f"PRAGMA busy_timeout = {int(self._busy_seconds * 1000)}")
            cursors = self._commit(connection, group)
            connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            self._disconnect()
            raise
        return cursors

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """The commit behind a checkpoint may begin the WAL anew, with a sync: so it is made in this thread.

        Under load no checkpoint reaches the end of the WAL while commits go on, and it would grow for ever.
        """
        if self._checkpoint is None or not self._checkpoint.done():
            return
        self._checkpoint = None
        if self._wal_bytes > _LARGEST_WAL:
            self._wal_bytes = 0
            self._checkpoint_now(connection)

    def _connected(self) -> sqlite3.Connection:
        if not self._is_sound or self._syncer.has_failed(self._generation):
            self._disconnect()
            self._generation += 1
        if self._connection is None:
            connection = open_database(self._path, create=self._create, busy_seconds=self._busy_seconds)
            try:
                _checkpoint_all(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._is_sound = True
            self._create = False
        return self._connection

    def _disconnect(self) -> None:
        self._heads.clear()
        self._syncer.finish()  # the last connection that is closed takes the WAL with it
        if self._checkpoint is not None:
            self._checkpoint.exception()
        if self._connection is not None:
            try:
                self._connection.close()
            except sqlite3.Error as error:
                _logger.warning("log not closed", path=str(self._path), error=str(error))
            self._connection = None

    def _run_checkpoint(self) -> None:
        """Move the WAL into the database; SQLite syncs each before it relies on it."""
        try:
            connection = open_database(self._path, create=False, busy_seconds=self._busy_seconds)
        except Exception as error:  # noqa: BLE001 - as when it fails
            _logger.warning("log not checkpointed", path=str(self._path), error=str(error))
            return
        with contextlib.closing(connection):
            self._checkpoint_now(connection)

    def _checkpoint_now(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # nothing is lost: the WAL grows until a checkpoint succeeds
            _logger.warning("log not checkpointed", path=str(self._path), error=str(error))


def _tell_committed(work: Work, cursor: Cursor | None) -> None:
    if cursor is None:
        work.outcome.failed(LostTail(work.operation, work.doc, "the log lacks what the entry rests on"))
    else:
        work.outcome.recorded(cursor)


def _failed(group: list[Work], error: Exception) -> Iterable[Callable[[], None]]:
    for work in group:
        yield partial(work.outcome.failed, unavailable(work.operation, work.doc, error))


def _checkpoint_all(connection: sqlite3.Connection) -> None:
    """Start from an empty WAL and a synced database.

    After a failed sync the kernel may have dropped what it could not write, and a later sync of the same file
    would succeed without it; so nothing is written behind such a WAL. Raises sqlite3.Error.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("another program reads the database")
