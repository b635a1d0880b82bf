"""Where a catalogue of the tests is: the file of an SQLite database, or the URL of a PostgreSQL one."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

Place = Path | str
NewPlace = Callable[[], Awaitable[Place]]


async def run_sql(url: str, statement: str) -> None:
    """Run one statement on PostgreSQL, past the catalogue."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
