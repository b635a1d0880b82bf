"""The audit log: who did what to what, newest first."""

import itertools
import json
import secrets
from dataclasses import fields

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.people_values import AuditEntry
from storage.catalog.values import storable
from storage.clock import unix_milliseconds

_COLUMNS = [tables.audit.c[field.name] for field in fields(AuditEntry)]

Position = tuple[int, str]
"""`time` and `id` of the last entry of a page: the next page begins behind it."""


class Audit:
    """Entries in `database`; nobody changes one. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = itertools.count()

    async def append(
        self, actor: str, action: str, scope: str, target: str, details: dict[str, object] | None = None
    ) -> AuditEntry:
        """Add what `actor` did now. `details` is plain JSON; no text of documents, no secrets."""
        id = f"{next(self._numbers):012x}{secrets.token_hex(8)}"
        entry = AuditEntry(id, unix_milliseconds(), actor, action, scope, target, details or {})
        row = {field.name: getattr(entry, field.name) for field in fields(AuditEntry)}
        row["details"] = json.dumps(entry.details, separators=(",", ":"))
        async with self._database.write("append to audit log") as connection:
            await connection.execute(insert(tables.audit).values(row))
        return entry

    async def of_target(
        self, scope: str, target: str, *, limit: int = 100, before: Position | None = None
    ) -> list[AuditEntry]:
        """What was done to `target`, newest first; behind `before`, where a page ended."""
        if not storable(target):
            return []
        return await self._page(
            and_(tables.audit.c.scope == scope, tables.audit.c.target == target), limit, before
        )

    async def of_actor(
        self, actor: str, *, limit: int = 100, before: Position | None = None
    ) -> list[AuditEntry]:
        """What `actor` did, newest first; behind `before`, where a page ended."""
        return await self._page(tables.audit.c.actor == actor, limit, before)

    async def _page(
        self, condition: ColumnElement[bool], limit: int, before: Position | None
    ) -> list[AuditEntry]:
        time, id = tables.audit.c.time, tables.audit.c.id
        query = select(*_COLUMNS).where(condition).order_by(time.desc(), id.desc()).limit(limit)
        if before is not None:
            query = query.where(or_(time < before[0], and_(time == before[0], id < before[1])))
        async with self._database.read("read audit log") as connection:
            return [_entry(row) for row in (await connection.execute(query)).mappings()]


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(**{**row, "details": json.loads(row["details"])})
