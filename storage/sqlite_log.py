"""The update log in one SQLite file.

What it gives, from SQLite's own rules (https://sqlite.org/wal.html): commits are recovered in order, up to
the first WAL frame that fails its checksum. A kill -9 loses nothing that was recorded. A loss of power loses
at most the newest commits, none that was synced, and never one from the middle. A WAL damaged on the disk
ends at the damage without an error, as if the power had failed before it, also where it had been synced.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from storage.base import Follower, Outcome
from storage.clock import unix_milliseconds
from storage.errors import StorageError, Unavailable
from storage.sqlite_tables import (
    Transaction,
    open_database,
    read_documents,
    read_entries,
    read_positions,
    read_state,
    unavailable,
)
from storage.sqlite_writer import Work, Writer
from storage.values import Cursor, Level, LogState, Position

T = TypeVar("T")


class SqliteLog:
    """An UpdateLog in the file `path`; its folder must exist.

    Nothing is opened before the first call, which must come from the event loop that all calls come from.
    `clock` gives Unix time in milliseconds. A database that another program holds for longer than
    `busy_seconds` is Unavailable.
    """

    strongest = Level.SYNCED
    shared = False
    node = "sqlite"

    def __init__(
        self, path: Path, *, clock: Callable[[], int] = unix_milliseconds, busy_seconds: float = 1.0
    ) -> None:
        self.path = path
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._writer: Writer | None = None  # started by the first write
        self._reader = _Reader(path, busy_seconds)
        self._closed = False

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog. Raises ValueError when `doc` is not encodable as UTF-8."""
        doc.encode()  # here, since later it would fail the whole group

        def run(transaction: Transaction) -> Cursor | None:
            return transaction.append(doc, entry, after, heals=heals)

        self._submit(Work("append", doc, run, outcome, len(entry)))

    async def state(self, doc: str) -> LogState:
        """See UpdateLog."""
        return await self._reader.run("read state", doc, lambda database: read_state(database, doc))

    async def positions(self, docs: Sequence[str]) -> list[Position]:
        """See UpdateLog."""
        return await self._reader.run("read positions", "", lambda database: read_positions(database, docs))

    async def documents(self) -> list[str]:
        """See UpdateLog."""
        return await self._reader.run("list documents", "", read_documents)

    async def follow(self, doc: str, follower: Follower) -> None:
        """See UpdateLog: nobody else writes to this file, so there is nothing to tell."""

    def unfollow(self, doc: str) -> None:
        """See UpdateLog."""

    async def raise_floor(self, doc: str, floor: Cursor) -> None:
        """See UpdateLog."""
        await self._change("raise floor", doc, lambda transaction: transaction.raise_floor(doc, floor))

    async def read(self, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
        """See UpdateLog."""
        return await self._reader.run("read log", doc, lambda database: read_entries(database, doc, after))

    async def trim(self, doc: str, upto: Cursor) -> None:
        """See UpdateLog."""
        await self._change("trim", doc, lambda transaction: transaction.trim(doc, upto))

    async def close(self) -> None:
        """See UpdateLog. Idempotent; later calls fail with Unavailable."""
        self._closed = True
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        await self._reader.close()

    async def _change(self, operation: str, doc: str, run: Callable[[Transaction], Cursor]) -> None:
        doc.encode()
        done = asyncio.get_running_loop().create_future()
        self._submit(Work(operation, doc, run, _Change(done), 0, is_slow=True))
        await done

    def _submit(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        if self._closed:
            loop.call_soon(work.outcome.failed, Unavailable(work.operation, work.doc, "the log is closed"))
            return
        if self._writer is None:
            self._writer = Writer(self.path, loop, self._clock, self._busy_seconds)
        self._writer.submit(work)


class _Change:
    """The outcome of a write that somebody awaits."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self._done = done

    def recorded(self, cursor: Cursor) -> None:
        pass

    def reached(self, level: Level) -> None:
        if not self._done.done():  # cancelled
            self._done.set_result(None)

    def failed(self, error: StorageError) -> None:
        if not self._done.done():
            self._done.set_exception(error)


class _Reader:
    """A second connection, in a thread of its own, so that reads hold up neither writes nor the loop."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._create = True  # until the database was opened once
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-read")
        self._closed = False

    async def run(self, operation: str, doc: str, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` returns. Raises Unavailable."""
        doc.encode()
        if self._closed:
            raise Unavailable(operation, doc, "the log is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, read)
        except (sqlite3.Error, OSError, Unavailable) as error:
            raise unavailable(operation, doc, error) from error

    async def close(self) -> None:
        """Finish the reads under way."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = open_database(
                    self._path, create=self._create, busy_seconds=self._busy_seconds
                )
                self._create = False
            return read(self._connection)
        except (sqlite3.Error, OSError):
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
