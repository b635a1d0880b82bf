"""The one query that tells what visitors hold on a material or tab: directly, by tab, by group, by link."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.catalog import tables
from storage.catalog.shares import Held, Kind, Place, Scope, Visitor

_TARGET, _NOW = bindparam("target", type_=Text), bindparam("now", type_=BigInteger)
_SUBJECTS, _LINKS, _LOGINS = (
    bindparam(name, type_=Text, expanding=True) for name in ("subjects", "links", "logins")
)

_PLACE, _USER, _LINK, _BARRED, _CLOSED, _LOGIN = "place", "user", "link", "barred", "closed", "login"


async def read_place(
    connection: AsyncConnection, scope: Scope, target: str, visitors: Collection[Visitor], now: int
) -> Place | None:
    """Where `visitors` stand on `target` at `now`; None for what is absent or has no owner."""
    values = {
        "target": target,
        "now": now,
        "subjects": sorted({visitor.subject for visitor in visitors}),
        "links": sorted({visitor.link for visitor in visitors if visitor.link}),
        "logins": sorted({visitor.login for visitor in visitors if visitor.login}),
    }
    rows = (await connection.execute(_query(scope), values)).all()
    found = next((row for row in rows if row.what == _PLACE), None)
    if found is None:
        return None
    place = Place(
        owner=found.who,
        tab=found.tab,
        trashed=found.expires is not None,
        frozen=found.role,
        users={},
        links={},
        barred={row.who for row in rows if row.what == _BARRED},
        closed={row.who for row in rows if row.what == _CLOSED},
        logins={row.who for row in rows if row.what == _LOGIN},
    )
    for row in rows:
        if row.what in (_USER, _LINK):
            held = place.users if row.what == _USER else place.links
            held.setdefault(row.who, []).append(Held(row.role, row.expires))
    return place


@cache  # to put it together takes longer than to run it
def _query(scope: Scope) -> CompoundSelect[Any]:
    place = (_of_material() if scope is Scope.MATERIAL else _of_tab()).subquery("place")
    parts = (_place, _granted, _grouped, _linked, _blocked, _closed, _signed_in)
    return union_all(*(part(place) for part in parts))


def _of_material() -> Select[Any]:
    """Its trash is its tab's too: who throws a tab away throws away what is in it."""
    materials, tabs = tables.materials.c, tables.tabs.c
    joined = tables.materials.outerjoin(tables.tabs, materials.tab == tabs.id)
    return (
        select(
            materials.id.label("material"),
            materials.tab.label("tab"),
            materials.owner.label("owner"),
            materials.frozen.label("frozen"),
            func.coalesce(materials.trashed, tabs.trashed).label("trashed"),
        )
        .select_from(joined)
        .where(materials.id == _TARGET, materials.owner.is_not(None))
    )


def _of_tab() -> Select[Any]:
    tabs = tables.tabs.c
    return select(
        type_coerce(null(), Text).label("material"),
        tabs.id.label("tab"),
        tabs.owner.label("owner"),
        literal("", Text).label("frozen"),
        tabs.trashed.label("trashed"),
    ).where(tabs.id == _TARGET)


def _row(what: str, who: Any, role: Any, expires: Any, place: Subquery) -> Select[Any]:
    return select(
        literal(what, Text).label("what"),
        who.label("who"),
        role.label("role"),
        expires.label("expires"),
        place.c.tab.label("tab"),
    )


def _place(place: Subquery) -> Select[Any]:
    return _row(_PLACE, place.c.owner, place.c.frozen, place.c.trashed, place)


def _granted(place: Subquery) -> Select[Any]:
    grants = tables.grants.c
    theirs = and_(grants.grantee_kind == Kind.USER, grants.grantee.in_(_SUBJECTS), _lasts(grants.expires))
    joined = place.join(tables.grants, and_(_covers(place, grants), theirs))
    return _row(_USER, grants.grantee, grants.role, grants.expires, place).select_from(joined)


def _grouped(place: Subquery) -> Select[Any]:
    grants, members = tables.grants.c, tables.group_members.c
    given = and_(grants.grantee_kind == Kind.GROUP, _lasts(grants.expires))
    joined = place.join(tables.grants, and_(_covers(place, grants), given)).join(
        tables.group_members, and_(grants.grantee == members.group, members.user.in_(_SUBJECTS))
    )
    return _row(_USER, members.user, grants.role, grants.expires, place).select_from(joined)


def _linked(place: Subquery) -> Select[Any]:
    links = tables.links.c
    live = and_(links.id.in_(_LINKS), links.revoked.is_(None), _lasts(links.expires))
    joined = place.join(tables.links, and_(_covers(place, links), live))
    return _row(_LINK, links.id, links.role, links.expires, place).select_from(joined)


def _blocked(place: Subquery) -> Select[Any]:
    blocks = tables.blocks.c
    joined = place.join(tables.blocks, and_(_covers(place, blocks), blocks.user.in_(_SUBJECTS)))
    return _bare(_BARRED, blocks.user, place).select_from(joined)


def _closed(place: Subquery) -> Select[Any]:
    users = tables.users.c
    closed = and_(users.id.in_(_SUBJECTS), or_(users.disabled, users.erased.is_not(None)))
    return _bare(_CLOSED, users.id, place).select_from(place.join(tables.users, closed))


def _signed_in(place: Subquery) -> Select[Any]:
    logins = tables.logins.c
    live = and_(logins.id.in_(_LOGINS), logins.revoked.is_(None), logins.expires > _NOW)
    return _bare(_LOGIN, logins.id, place).select_from(place.join(tables.logins, live))


def _bare(what: str, who: Any, place: Subquery) -> Select[Any]:
    return _row(what, who, literal("", Text), type_coerce(null(), BigInteger), place)


def _covers(place: Subquery, columns: Any) -> ColumnElement[bool]:
    """Whether what is said of a scope and target holds at `place`."""
    return or_(
        and_(columns.scope == Scope.MATERIAL, columns.target == place.c.material),
        and_(columns.scope == Scope.TAB, columns.target == place.c.tab),
    )


def _lasts(expires: Any) -> ColumnElement[bool]:
    return or_(expires.is_(None), expires > _NOW)
