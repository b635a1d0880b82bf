"""The catalogue: one installation and its materials."""

import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import fields
from pathlib import Path

from sqlalchemy import insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.catalog import tables
from storage.catalog.audit import Audit
from storage.catalog.authorship import AuthorshipTable
from storage.catalog.client_ids import ClientIds
from storage.catalog.copying import read_tables, write_tables
from storage.catalog.database import Database
from storage.catalog.groups import Groups
from storage.catalog.idempotency import Idempotency
from storage.catalog.people import People
from storage.catalog.sharing import Sharing
from storage.catalog.shelf import Shelf
from storage.catalog.values import Installation, Material, Page, storable
from storage.clock import unix_milliseconds
from storage.errors import Corrupt, StorageError

_PAGE = 500  # materials
_COLUMNS = [tables.materials.c[field.name] for field in fields(Material)]
_SHORTEST = 16  # bytes of a secret


class Catalog:
    """The catalogue at `place`: the path of an SQLite file, or a URL of PostgreSQL in the form of libpq.

    An operation that takes longer than `seconds` is Unavailable. Every method raises Unavailable, and its
    text holds neither password nor row; so does the constructor for a URL of another kind.

    Attributes:
        shelf, sharing, groups: what people own, what they gave to whom, and who is in which group.
        client_ids: whose the client ids of documents are.
    """

    def __init__(self, place: Path | str, *, seconds: float = 5.0) -> None:
        self._database = Database(place, seconds)
        self.people = People(self._database)
        self.audit = Audit(self._database)
        self._installation: Installation | None = None
        self.shelf = Shelf(self._database)
        self.sharing = Sharing(self._database)
        self.groups = Groups(self._database)
        self.client_ids = ClientIds(self._database)
        self.idempotency = Idempotency(self._database)
        self.authorship = AuthorshipTable(self._database)

    @property
    def installation(self) -> Installation:
        """Whose data this is; known after `start` or `import_`."""
        if self._installation is None:
            raise RuntimeError("the catalogue was not started")
        return self._installation

    async def start(self, legacy_secret: bytes | None = None) -> None:
        """Bring the tables up to date and read the installation, which the first start of all creates.

        Its secret is then `legacy_secret` where one is given. Several nodes may start at once; in one process
        start catalogues one after the other. Raises Unavailable, also when the tables are newer than this
        code; Corrupt for a `legacy_secret` too short to sign with.
        """
        await self._database.create()
        async with self._database.read("open catalogue") as connection:
            if await _revision(connection) == tables.HEAD:
                self._installation = await _installation(connection)
        if self._installation is None:
            async with self._database.alone("start catalogue") as connection:
                await self._migrate(connection)
                self._installation = await _installation(connection) or await _found(
                    connection, legacy_secret
                )

    async def add_material(self, material: Material) -> None:
        """Add `material`; one that is there stays as it is."""
        row = {
            "id": material.id,
            "kind": material.kind,
            "title": material.title,
            "created": material.created,
            "created_by": material.created_by,
            "changed": material.created,
        }
        async with self._database.write("add material") as connection:
            await connection.execute(self._database.insert_new(tables.materials).values(row))

    async def material(self, id: str) -> Material | None:
        """The material with this id."""
        if not storable(id):
            return None
        query = select(*_COLUMNS).where(tables.materials.c.id == id)
        async with self._database.read("read material") as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Material(*row)

    async def materials(self) -> AsyncIterator[Material]:
        """All materials by id, ascending by code point. Those added meanwhile may be among them or not.

        Reads in pages and holds no connection in between, however long the caller takes.
        """
        ids = tables.materials.c.id
        last = ""
        while True:
            query = select(*_COLUMNS).where(ids > last).order_by(ids).limit(_PAGE)
            async with self._database.read("list materials") as connection:
                rows = (await connection.execute(query)).all()
            for row in rows:
                yield Material(*row)
            if len(rows) < _PAGE:
                return
            last = rows[-1].id

    def export(self) -> AsyncGenerator[Page, None]:
        """All rows of all tables, as they were at one moment, in an order that `import_` takes.

        Holds a connection until its end: read it in `contextlib.aclosing`.
        """
        return read_tables(self._database)

    async def import_(self, pages: AsyncGenerator[Page, None]) -> None:
        """Fill an empty database with what another catalogue's `export` gave, instead of `start`.

        All or nothing. Raises StorageError when the database is not empty or the pages are of another form.
        """
        await self._database.create()
        async with aclosing(pages), self._database.alone("import catalogue") as connection:
            await self._migrate(connection)
            await write_tables(self._database, connection, pages)
            self._installation = await _installation(connection)
            if self._installation is None:
                raise StorageError("import catalogue", self._database.name, "there is no installation in it")

    async def close(self) -> None:
        """Close the connections. Idempotent; later calls are Unavailable."""
        await self._database.close()

    async def _migrate(self, connection: AsyncConnection) -> None:
        stored = await _revision(connection)
        if stored != tables.HEAD:
            from storage.catalog.upgrade import upgrade  # costs more than all else here

            await connection.run_sync(upgrade, self._database.name, stored)


async def _revision(connection: AsyncConnection) -> str | None:
    """What Alembic left in the database, None before the first migration."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
        return None
    revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def _installation(connection: AsyncConnection) -> Installation | None:
    row = (await connection.execute(select(tables.installation))).one_or_none()
    return None if row is None else Installation(row.id, row.secret)


async def _found(connection: AsyncConnection, legacy_secret: bytes | None) -> Installation:
    """Write the one row. Raises Corrupt."""
    secret = secrets.token_bytes(32) if legacy_secret is None else legacy_secret
    if len(secret) < _SHORTEST:
        raise Corrupt(
            "take over secret", "secret", f"it has {len(secret)} bytes", hint="restore the file from a backup"
        )
    new = Installation(str(uuid.uuid4()), secret)
    row = {"id": new.id, "secret": new.secret, "created": unix_milliseconds()}
    await connection.execute(insert(tables.installation).values(row))
    return new
