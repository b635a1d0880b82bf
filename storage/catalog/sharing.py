"""Who was given what: grants, share links, blocks; and where somebody stands."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, exists, func, insert, or_, select, update

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.shares import CHAT, Item, Kind, Link, Place, Scope, Share, Visitor
from storage.catalog.shelf import items_of
from storage.catalog.standing import read_place
from storage.catalog.values import storable

_GRANTS = tables.grants.c
_LINKS = tables.links.c
_BLOCKS = tables.blocks.c


class Sharing:
    """Grants, links and blocks. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, scope: Scope, target: str, visitors: Collection[Visitor], now: int) -> Place | None:
        """Where `visitors` stand on `target` at `now`, in one query; None: absent, or without an owner."""
        words = [target, *(word for one in visitors for word in (one.subject, one.link, one.login))]
        if not all(map(storable, words)):
            return None
        async with self._database.read("read access") as connection:
            return await read_place(connection, scope, target, visitors, now)

    # Grants

    async def give(self, share: Share) -> Share:
        """Give a role in place of the one that the grantee had there; returns what is stored now."""
        new = asdict(share)
        here = _where(tables.grants, share.scope, share.target) & (
            (_GRANTS.grantee_kind == share.grantee_kind) & (_GRANTS.grantee == share.grantee)
        )
        changed = {name: new[name] for name in ("role", "created", "created_by", "expires")}
        async with self._database.write("give role") as connection:
            await connection.execute(self._database.insert_new(tables.grants).values(new))
            await connection.execute(update(tables.grants).where(here).values(changed))
            row = (await connection.execute(select(tables.grants).where(here))).one()
        return _share(row)

    async def share(self, id: str) -> Share | None:
        """One grant."""
        row = await self._one(select(tables.grants).where(_GRANTS.id == id), id)
        return None if row is None else _share(row)

    async def shares(self, scope: Scope, target: str) -> list[Share]:
        """The grants on `target` alone, oldest first; expired ones too."""
        query = select(tables.grants).where(_where(tables.grants, scope, target))
        return [_share(row) for row in await self._all(query.order_by(_GRANTS.created, _GRANTS.id))]

    async def take(self, id: str) -> bool:
        """Take a grant back; tells whether it was there."""
        return await self._change(delete(tables.grants).where(_GRANTS.id == id))

    async def take_from(self, scope: Scope, target: str, user: str) -> bool:
        """Take back what `user` was given on `target`; tells whether that was something."""
        theirs = (_GRANTS.grantee_kind == Kind.USER) & (_GRANTS.grantee == user)
        return await self._change(delete(tables.grants).where(_where(tables.grants, scope, target), theirs))

    async def shared_with(self, user: str, now: int, *, after: str = "", limit: int = 100) -> list[Item]:
        """Materials of others on which `user` holds a role, by id; not what is in the trash."""
        grants, members = tables.grants, tables.group_members.c
        mine = or_(
            (_GRANTS.grantee_kind == Kind.USER) & (_GRANTS.grantee == user),
            (_GRANTS.grantee_kind == Kind.GROUP)
            & _GRANTS.grantee.in_(select(members.group).where(members.user == user)),
        )
        materials, tabs = tables.materials.c, tables.tabs.c
        here = or_(
            (_GRANTS.scope == Scope.MATERIAL) & (_GRANTS.target == materials.id),
            (_GRANTS.scope == Scope.TAB) & (_GRANTS.target == materials.tab),
        )
        barred = or_(
            (_BLOCKS.scope == Scope.MATERIAL) & (_BLOCKS.target == materials.id),
            (_BLOCKS.scope == Scope.TAB) & (_BLOCKS.target == materials.tab),
        )
        lasts = or_(_GRANTS.expires.is_(None), _GRANTS.expires > now)
        query = (
            select(tables.materials)
            .where(exists(select(grants).where(mine, here, lasts)))
            .where(~exists(select(tables.blocks).where(_BLOCKS.user == user, barred)))
            .where(materials.id > after, materials.owner != user, materials.trashed.is_(None))
            .where(~exists(select(tables.tabs).where(tabs.id == materials.tab, tabs.trashed.is_not(None))))
        )
        return items_of(await self._all(query.order_by(materials.id).limit(limit)))

    # Links

    async def add_link(self, link: Link) -> None:
        """Make a link."""
        async with self._database.write("add link") as connection:
            await connection.execute(insert(tables.links).values(asdict(link)))

    async def link(self, id: str) -> Link | None:
        """One link, also when it is over."""
        row = await self._one(select(tables.links).where(_LINKS.id == id), id)
        return None if row is None else _link(row)

    async def links(self, scope: Scope, target: str) -> list[Link]:
        """The links to `target`, oldest first; those that are over too."""
        query = select(tables.links).where(_where(tables.links, scope, target))
        return [_link(row) for row in await self._all(query.order_by(_LINKS.created, _LINKS.id))]

    async def revoke_link(self, id: str, now: int) -> bool:
        """End a link for good; tells whether it was there and had not been revoked."""
        live = (_LINKS.id == id) & _LINKS.revoked.is_(None)
        return await self._change(update(tables.links).where(live).values(revoked=now))

    # Blocks

    async def block(self, scope: str, target: str, user: str, *, by: str, now: int) -> None:
        """Keep `user` away from `target`, whatever it was given; in the scope CHAT, mute it.

        A block that is there is told of the new time.
        """
        row = {"scope": scope, "target": target, "user": user, "created": now, "created_by": by}
        async with self._database.write("block") as connection:
            await connection.execute(self._database.insert_new(tables.blocks).values(row))
            await connection.execute(
                update(tables.blocks).where(_block(scope, target, user)).values(created=now, created_by=by)
            )

    async def unblock(self, scope: str, target: str, user: str) -> bool:
        """Take a block back; tells whether there was one."""
        return await self._change(delete(tables.blocks).where(_block(scope, target, user)))

    async def blocked(self, scope: str, target: str) -> list[tuple[str, int]]:
        """Who is blocked from `target`, or muted in its chat, and since when."""
        query = select(_BLOCKS.user, _BLOCKS.created).where(_BLOCKS.scope == scope, _BLOCKS.target == target)
        return [(row.user, row.created) for row in await self._all(query.order_by(_BLOCKS.user))]

    async def blocked_since(self, users: Collection[str], targets: Collection[str]) -> dict[str, int]:
        """The newest block of each of `users` from one of the materials `targets`; none for most."""
        newest = func.max(_BLOCKS.created).label("newest")
        query = select(_BLOCKS.user, newest).where(
            _BLOCKS.scope == Scope.MATERIAL,
            _BLOCKS.target.in_(filter(storable, targets)),
            _BLOCKS.user.in_(filter(storable, users)),
        )
        return {row.user: row.newest for row in await self._all(query.group_by(_BLOCKS.user))}

    async def names(
        self, asker: str, people: Collection[str], groups: Collection[str] = ()
    ) -> dict[str, str]:
        """What those of them are called that have a name, as far as `asker` may know.

        Accounts by their own names; guests as the groups of `asker` call them, of several the last joined.
        """
        users, members, named = tables.users.c, tables.group_members.c, tables.groups.c
        wanted = list(filter(storable, people))
        joined = tables.group_members.join(tables.groups, members.group == named.id)
        mine = select(members.user, members.display_name).select_from(joined).where(named.owner == asker)
        queries = (
            mine.where(members.user.in_(wanted)).order_by(members.joined, members.group),
            select(users.id, users.name).where(users.id.in_(wanted), users.name != ""),
            select(named.id, named.name).where(named.id.in_(list(filter(storable, groups)))),
        )
        return {id: name for query in queries for id, name in await self._all(query)}

    async def is_muted(self, material: str, users: Collection[str]) -> bool:
        """Whether one of `users` is muted in the chat of `material`."""
        query = select(_BLOCKS.user).where(
            _BLOCKS.scope == CHAT, _BLOCKS.target == material, _BLOCKS.user.in_(users)
        )
        return bool(await self._all(query.limit(1)))

    # Helpers

    async def _one(self, query: Any, id: str) -> Any:
        if not storable(id):
            return None
        async with self._database.read("read sharing") as connection:
            return (await connection.execute(query)).one_or_none()

    async def _all(self, query: Any) -> list[Any]:
        async with self._database.read("read sharing") as connection:
            return list((await connection.execute(query)).all())

    async def _change(self, statement: Any) -> bool:
        async with self._database.write("change sharing") as connection:
            return bool((await connection.execute(statement)).rowcount)


def _where(table: Any, scope: str, target: str) -> Any:
    return (table.c.scope == scope) & (table.c.target == target)


def _block(scope: str, target: str, user: str) -> Any:
    return _where(tables.blocks, scope, target) & (_BLOCKS.user == user)


def _share(row: Any) -> Share:
    values = dict(row._mapping)
    values["scope"], values["grantee_kind"] = Scope(row.scope), Kind(row.grantee_kind)
    return Share(**values)


def _link(row: Any) -> Link:
    return Link(**{**row._mapping, "scope": Scope(row.scope)})
