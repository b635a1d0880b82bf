"""What people own: their tabs, and the materials in them, with the trash."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.shares import CHAT, Item, Scope, Tab
from storage.catalog.values import storable

_TABS = tables.tabs.c
_MATERIALS = tables.materials.c


class Shelf:
    """Tabs and materials of their owners. Every method raises Unavailable.

    Methods that change one row tell whether it was there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # Tabs

    async def add_tab(self, tab: Tab) -> Tab:
        """Add a tab behind the others of its owner, whatever its `position` says; returns it in its place."""
        async with self._database.write("add tab") as connection:
            row = asdict(tab) | {"position": await _end(connection, tables.tabs, _TABS.owner == tab.owner)}
            await connection.execute(insert(tables.tabs).values(row))
        return Tab(**row)

    async def tab(self, id: str) -> Tab | None:
        """One tab, also in the trash."""
        if not storable(id):
            return None
        rows = await self._all(select(tables.tabs).where(_TABS.id == id))
        return Tab(**rows[0]._mapping) if rows else None

    async def tabs(self, owner: str, *, trashed: bool = False) -> list[Tab]:
        """The tabs of `owner` in their order: those in use, or those in the trash."""
        query = select(tables.tabs).where(_TABS.owner == owner, _is_trashed(_TABS, trashed))
        return [Tab(**row._mapping) for row in await self._all(query.order_by(_TABS.position, _TABS.id))]

    async def change_tab(self, id: str, *, title: str | None = None, colour: str | None = None) -> bool:
        """Rename or recolour a tab."""
        named = {"title": title, "colour": colour}
        return await self._update(
            tables.tabs, id, {key: new for key, new in named.items() if new is not None}
        )

    async def order_tabs(self, owner: str, ids: Sequence[str]) -> None:
        """Bring the tabs of `owner` into this order; those not named keep their numbers."""
        await self._order(tables.tabs, _TABS.owner == owner, ids)

    # Materials

    async def add(self, item: Item) -> Item:
        """Add a material behind the others of its tab; returns it in its place."""
        async with self._database.write("add material") as connection:
            row = asdict(item) | {"position": await _end(connection, tables.materials, _beside(item))}
            await connection.execute(insert(tables.materials).values(row))
        return Item(**row)

    async def item(self, id: str) -> Item | None:
        """One material, also in the trash."""
        if not storable(id):
            return None
        found = items_of(await self._all(select(tables.materials).where(_MATERIALS.id == id)))
        return found[0] if found else None

    async def items(self, tab: str) -> list[Item]:
        """The materials of a tab in their order, without those in the trash."""
        query = select(tables.materials).where(_MATERIALS.tab == tab, _MATERIALS.trashed.is_(None))
        return items_of(await self._all(query.order_by(_MATERIALS.position, _MATERIALS.id)))

    async def owned(
        self, owner: str, *, trashed: bool = False, after: str = "", limit: int = 100
    ) -> list[Item]:
        """Materials of `owner` by id, from behind `after` on: those in use, or those in the trash."""
        query = select(tables.materials).where(
            _MATERIALS.owner == owner, _MATERIALS.id > after, _is_trashed(_MATERIALS, trashed)
        )
        return items_of(await self._all(query.order_by(_MATERIALS.id).limit(limit)))

    async def rename(self, id: str, title: str, now: int) -> bool:
        """Rename a material."""
        return await self._update(tables.materials, id, {"title": title, "changed": now})

    async def freeze(self, id: str, reason: str, now: int) -> bool:
        """Let nobody write for this `reason`; "" lets them again."""
        return await self._update(tables.materials, id, {"frozen": reason, "changed": now})

    async def move(self, id: str, tab: Tab | None, now: int) -> bool:
        """Put a material behind the others of `tab`, whose owner gets it; None: into no tab."""
        async with self._database.write("move material") as connection:
            found = items_of((await connection.execute(_locked(id))).all())
            if not found:
                return False
            values: dict[str, Any] = {"tab": None, "changed": now}
            if tab is not None:
                position = await _end(connection, tables.materials, _MATERIALS.tab == tab.id)
                values |= {"tab": tab.id, "owner": tab.owner, "position": position}
            await connection.execute(update(tables.materials).where(_MATERIALS.id == id).values(values))
        return True

    async def order(self, tab: str, ids: Sequence[str]) -> None:
        """Bring the materials of `tab` into this order; those not named keep their numbers."""
        await self._order(tables.materials, _MATERIALS.tab == tab, ids)

    # Trash

    async def trash(self, scope: Scope, id: str, now: int) -> bool:
        """Put a tab or material into the trash; what lies there already keeps its time."""
        return await self._set_trashed(scope, id, now)

    async def restore(self, scope: Scope, id: str) -> bool:
        """Take it out again."""
        return await self._set_trashed(scope, id, None)

    async def expired(self, before: int, limit: int = 100) -> list[str]:
        """Ids of materials that came into the trash, they or their tabs, before `before`: to be purged."""
        gone = func.coalesce(_MATERIALS.trashed, _TABS.trashed) < before
        joined = tables.materials.outerjoin(tables.tabs, _MATERIALS.tab == _TABS.id)
        query = select(_MATERIALS.id).select_from(joined).where(gone).order_by(_MATERIALS.id)
        return [row.id for row in await self._all(query.limit(limit))]

    async def expired_tabs(self, before: int) -> list[str]:
        """Ids of tabs that came into the trash before `before` and hold nothing any more."""
        used = select(_MATERIALS.id).where(_MATERIALS.tab == _TABS.id).exists()
        query = select(_TABS.id).where(_TABS.trashed < before, ~used).order_by(_TABS.id)
        return [row.id for row in await self._all(query)]

    async def purge(self, scope: Scope, id: str) -> None:
        """Forget a tab or material, and all that was given on it. Its document is the caller's to delete."""
        scopes = [scope, CHAT] if scope is Scope.MATERIAL else [scope]
        table = _table(scope)
        async with self._database.write("purge") as connection:
            for related in (tables.grants, tables.links, tables.blocks):
                theirs = related.c.scope.in_(scopes) & (related.c.target == id)
                await connection.execute(delete(related).where(theirs))
            if scope is Scope.MATERIAL:
                for derived in (tables.client_ids, tables.authorship):
                    await connection.execute(delete(derived).where(derived.c.material == id))
            await connection.execute(delete(table).where(table.c.id == id))

    # Helpers

    async def _all(self, query: Any) -> Sequence[Any]:
        async with self._database.read("read shelf") as connection:
            return (await connection.execute(query)).all()

    async def _update(self, table: Any, id: str, values: dict[str, Any]) -> bool:
        statement = update(table).where(table.c.id == id).values(values or {"id": id})
        async with self._database.write("change shelf") as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def _order(self, table: Any, among: Any, ids: Sequence[str]) -> None:
        async with self._database.write("order shelf") as connection:
            for position, id in enumerate(ids):
                one = update(table).where(among, table.c.id == id)
                await connection.execute(one.values(position=position))

    async def _set_trashed(self, scope: Scope, id: str, now: int | None) -> bool:
        table = _table(scope)
        other = table.c.trashed.is_(None) if now is not None else table.c.trashed.is_not(None)
        async with self._database.write("trash") as connection:
            statement = update(table).where(table.c.id == id, other).values(trashed=now)
            return bool((await connection.execute(statement)).rowcount)


def items_of(rows: Iterable[Any]) -> list[Item]:
    """Rows of the table materials, as items."""
    return [Item(**row._mapping) for row in rows]


async def _end(connection: AsyncConnection, table: Any, among: Any) -> int:
    """The position behind all others; two that come at once may share one, and stand by id then."""
    last: int | None = await connection.scalar(select(func.max(table.c.position)).where(among))
    return 0 if last is None else last + 1


def _beside(item: Item) -> Any:
    """The materials that `item` is put in a row with."""
    if item.tab is not None:
        return _MATERIALS.tab == item.tab
    return _MATERIALS.tab.is_(None) & (_MATERIALS.owner == item.owner)


def _locked(id: str) -> Any:
    return select(tables.materials).where(_MATERIALS.id == id).with_for_update()


def _is_trashed(columns: Any, trashed: bool) -> Any:
    return columns.trashed.is_not(None) if trashed else columns.trashed.is_(None)


def _table(scope: Scope) -> Any:
    return tables.tabs if scope is Scope.TAB else tables.materials
