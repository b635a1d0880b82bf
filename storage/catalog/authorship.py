"""What was derived of who wrote what, per material, and the names of those who did."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.values import storable
from storage.values import Cursor

_ROW = tables.authorship.c
_USERS = tables.users.c
_MOST = 500  # ids in one query


@dataclass(frozen=True, slots=True)
class Derived:
    """What the entries up to a cursor gave, in a form that is its reader's own."""

    cursor: Cursor
    data: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A person of the catalogue.

    Attributes:
        name: "" of somebody erased.
        claimed_by: the account that took over the work of this guest.
    """

    id: str
    name: str
    claimed_by: str | None


class AuthorshipTable:
    """One row per material. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, material: str) -> Derived | None:
        """What is kept; None without any, or where it does not say of what it was derived."""
        if not storable(material):
            return None
        query = select(_ROW.cursor, _ROW.data).where(_ROW.material == material)
        async with self._database.read("read authorship") as connection:
            row = (await connection.execute(query)).one_or_none()
        try:
            return None if row is None else Derived(Cursor.parse(row.cursor), row.data)
        except ValueError:
            return None

    async def keep(self, material: str, derived: Derived) -> bool:
        """Keep this in the place of what was there; False for a material that has no row in the catalogue."""
        listed = select(tables.materials.c.id).where(tables.materials.c.id == material).with_for_update()
        row = {"material": material, "cursor": str(derived.cursor), "data": derived.data}
        async with self._database.write("keep authorship") as connection:
            if (await connection.execute(listed)).first() is None:
                return False
            await connection.execute(delete(tables.authorship).where(_ROW.material == material))
            await connection.execute(insert(tables.authorship).values(row))
            return True

    async def people(self, ids: Collection[str]) -> dict[str, Known]:
        """Those of `ids` that the catalogue knows, by id."""
        wanted = sorted(id for id in ids if storable(id))
        found: dict[str, Known] = {}
        async with self._database.read("read names") as connection:
            for at in range(0, len(wanted), _MOST):
                query = select(_USERS.id, _USERS.name, _USERS.claimed_by)
                rows = await connection.execute(query.where(_USERS.id.in_(wanted[at : at + _MOST])))
                found |= {row.id: Known(row.id, row.name, row.claimed_by) for row in rows}
        return found
