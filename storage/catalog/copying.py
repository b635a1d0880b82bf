"""All tables, as pages of plain rows: the common form of every copy, backup and move of a catalogue.

Nothing here knows a table by name: a table that is added to `storage.catalog.tables` is copied as well. The
first page is the revision of the tables, so that rows never meet tables of another form.
"""

from collections.abc import AsyncGenerator

from sqlalchemy import Table, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.catalog.database import Database
from storage.catalog.tables import HEAD, metadata
from storage.catalog.values import Page, Value
from storage.errors import StorageError

REVISION: Page = ("alembic_version", [{"version_num": HEAD}])
"""The first page."""

_ROWS = 500  # of a page


async def read_tables(database: Database) -> AsyncGenerator[Page, None]:
    """Pages of all tables, as they were at one moment; a table comes after those that it refers to."""
    operation = "export catalogue"
    async with database.freeze(operation) as connection:
        yield REVISION
        for table in metadata.sorted_tables:
            async with database.limit(operation):
                result = await connection.stream(select(table).order_by(*table.primary_key))
            pages = result.mappings().partitions(_ROWS)
            while True:
                async with database.limit(operation):
                    rows = await anext(pages, None)
                if rows is None:
                    break
                yield table.name, [dict(row) for row in rows]


async def write_tables(
    database: Database, connection: AsyncConnection, pages: AsyncGenerator[Page, None]
) -> None:
    """Insert `pages` into tables that are empty. Raises StorageError, Unavailable."""
    operation = "import catalogue"
    for table in metadata.sorted_tables:
        if await connection.scalar(select(exists(select(table)))):
            raise StorageError(
                operation, database.name, f"{table.name} has rows", hint="give it an empty database"
            )
    if await anext(pages, None) != REVISION:
        raise StorageError(
            operation,
            database.name,
            f"these are not rows of the tables of revision {HEAD}",
            hint="import with the version of StudyHub that exported, then upgrade",
        )
    async for name, rows in pages:
        table = _table_of(name, rows)
        async with database.limit(operation):
            await connection.execute(insert(table), rows)


def _table_of(name: str, rows: list[dict[str, Value]]) -> Table:
    """The table that takes these rows. Raises StorageError."""
    table = metadata.tables.get(name)
    if table is None or any(row.keys() != set(table.columns.keys()) for row in rows):
        raise StorageError("import catalogue", name, "there is no table with these columns")
    return table
