"""Transactions on the catalogue's database that end in time, and in errors of storage."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path

from sqlalchemy import Insert, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.catalog import sqlite_file
from storage.catalog.failures import FAILURES, unavailable
from storage.errors import Unavailable

_LOCK = 0x53747564794875  # of PostgreSQL's advisory locks
_PATIENCE = 60.0  # seconds until another node has done with its migration
_FORM = "its form is postgresql://user:password@host:5432/database, special characters as %2F and the like"


class Database:
    """The database at `place`: a file for SQLite, a URL for PostgreSQL.

    A transaction that takes longer than `seconds` is given up. Raises Unavailable for a URL of another kind.

    Attributes:
        name: of the database, for messages; without a password.
    """

    def __init__(self, place: Path | str, seconds: float) -> None:
        self._seconds = seconds
        self._closed = False
        # SQLite lets one writer in, and lets the others wait by chance: within a process they take turns.
        self._turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if isinstance(place, Path) else nullcontext()
        )
        self._file = place if isinstance(place, Path) else None
        self.name, self._engine = _open(place, seconds / 2)
        self._writer = self._engine.execution_options(writes=True)
        self._migrator = self._engine.execution_options(writes=True, patience=_PATIENCE)
        self._frozen = self._engine
        if self._file is None:
            self._frozen = self._engine.execution_options(isolation_level="REPEATABLE READ")

    async def create(self) -> None:
        """Make the file of a new SQLite database; a PostgreSQL one exists already. Raises Unavailable."""
        if self._file is not None:
            async with self.limit("create catalogue"):
                await asyncio.to_thread(sqlite_file.create, self._file)

    @asynccontextmanager
    async def read(self, operation: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads. Raises Unavailable."""
        async with self.limit(operation), self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, operation: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block. Raises Unavailable."""
        async with self.limit(operation), self._turn, self._writer.begin() as connection:
            yield connection

    @asynccontextmanager
    async def freeze(self, operation: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees everything as it was at one moment, without a limit of time as a whole."""
        async with self._unlimited(operation, self._frozen) as connection:
            yield connection

    @asynccontextmanager
    async def alone(self, operation: str) -> AsyncIterator[AsyncConnection]:
        """A transaction as `write`, one at a time over all nodes, without a limit of time as a whole."""
        async with self._unlimited(operation, self._migrator) as connection, connection.begin():
            if self._file is None:  # in SQLite a transaction that writes is alone anyway
                async with asyncio.timeout(_PATIENCE):
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection

    @asynccontextmanager
    async def limit(self, operation: str) -> AsyncIterator[None]:
        """The limit of time for a part of `freeze` or `alone`. Raises Unavailable."""
        with self._translate(operation):
            async with asyncio.timeout(self._seconds):
                yield

    def insert_new(self, table: Table) -> Insert:
        """An INSERT that leaves a row alone whose key is there."""
        if self._file is None:
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    async def close(self) -> None:
        """Close the connections. Idempotent; what comes later is Unavailable."""
        self._closed = True
        with suppress(TimeoutError):  # a silent server does not say goodbye; the system closes the sockets
            async with asyncio.timeout(self._seconds):
                await self._engine.dispose()

    @asynccontextmanager
    async def _unlimited(self, operation: str, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """A connection; only the wait for it is limited."""
        with self._translate(operation):
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._seconds):
                    connection = await stack.enter_async_context(engine.connect())
                yield connection

    @contextmanager
    def _translate(self, operation: str) -> Iterator[None]:
        if self._closed:
            raise Unavailable(operation, self.name, "the catalogue is closed")
        try:
            yield
        except FAILURES as error:
            raise unavailable(operation, self.name, error) from error


def _open(place: Path | str, wait: float) -> tuple[str, AsyncEngine]:
    """The database's name, and an engine on it. asyncpg is imported where it is used."""
    if isinstance(place, Path):
        return str(place), sqlite_file.open_engine(place, wait)
    from storage.catalog import postgresql_server

    try:
        return postgresql_server.name_of(place), postgresql_server.open_engine(place, wait)
    except ValueError as error:
        raise Unavailable("open catalogue", "STUDYHUB_DATABASE_URL", error, hint=_FORM) from error
