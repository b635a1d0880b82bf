"""Groups, as classes are, and who is in them."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, select, update

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.shares import Group, GroupMember, Kind
from storage.catalog.values import storable

_GROUPS = tables.groups.c
_MEMBERS = tables.group_members.c
_GRANTS = tables.grants.c


class Groups:
    """Groups and their members. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, group: Group) -> bool:
        """Make a group; False where another one has its code."""
        async with self._database.write("add group") as connection:
            statement = self._database.insert_new(tables.groups).values(asdict(group))
            return bool((await connection.execute(statement)).rowcount)

    async def group(self, id: str) -> Group | None:
        """One group."""
        return await self._find(_GROUPS.id == id, id)

    async def of_code(self, code: str) -> Group | None:
        """The group that this code lets in."""
        return await self._find(_GROUPS.code == code, code)

    async def owned(self, owner: str) -> list[Group]:
        """The groups of `owner`, oldest first."""
        query = select(tables.groups).where(_GROUPS.owner == owner).order_by(_GROUPS.created, _GROUPS.id)
        return [Group(**row._mapping) for row in await self._all(query)]

    async def joined(self, user: str) -> list[Group]:
        """The groups that `user` is a member of, by id."""
        mine = select(_MEMBERS.group).where(_MEMBERS.user == user)
        query = select(tables.groups).where(_GROUPS.id.in_(mine)).order_by(_GROUPS.id)
        return [Group(**row._mapping) for row in await self._all(query)]

    async def rename(self, id: str, name: str) -> bool:
        """Rename a group; tells whether it was there."""
        return await self._change(update(tables.groups).where(_GROUPS.id == id).values(name=name))

    async def set_code(self, id: str, code: str | None) -> bool:
        """Let people in by another code, or by none; False where another group has it, or this is absent."""
        taken = select(_GROUPS.id).where(_GROUPS.code == code, _GROUPS.id != id).correlate(None).exists()
        here = update(tables.groups).where(_GROUPS.id == id, ~taken)
        return await self._change(here.values(code=code))

    async def remove(self, id: str) -> None:
        """Forget a group, its members and what it was given."""
        async with self._database.write("remove group") as connection:
            given = (_GRANTS.grantee_kind == Kind.GROUP) & (_GRANTS.grantee == id)
            await connection.execute(delete(tables.grants).where(given))
            await connection.execute(delete(tables.group_members).where(_MEMBERS.group == id))
            await connection.execute(delete(tables.groups).where(_GROUPS.id == id))

    async def join(self, id: str, member: GroupMember) -> bool:
        """Add a member; False where it was one already, which then keeps its name."""
        row = {"group": id, **asdict(member)}
        async with self._database.write("join group") as connection:
            statement = self._database.insert_new(tables.group_members).values(row)
            return bool((await connection.execute(statement)).rowcount)

    async def leave(self, id: str, user: str) -> bool:
        """Remove a member; tells whether it was one."""
        gone = (_MEMBERS.group == id) & (_MEMBERS.user == user)
        return await self._change(delete(tables.group_members).where(gone))

    async def members(self, id: str) -> list[GroupMember]:
        """The members in the order in which they joined."""
        columns = (_MEMBERS.user, _MEMBERS.joined, _MEMBERS.display_name)
        query = select(*columns).where(_MEMBERS.group == id).order_by(_MEMBERS.joined, _MEMBERS.user)
        return [GroupMember(*row) for row in await self._all(query)]

    async def _find(self, which: Any, word: str) -> Group | None:
        rows = await self._all(select(tables.groups).where(which)) if storable(word) else []
        return Group(**rows[0]._mapping) if rows else None

    async def _all(self, query: Any) -> list[Any]:
        async with self._database.read("read groups") as connection:
            return list((await connection.execute(query)).all())

    async def _change(self, statement: Any) -> bool:
        async with self._database.write("change group") as connection:
            return bool((await connection.execute(statement)).rowcount)
