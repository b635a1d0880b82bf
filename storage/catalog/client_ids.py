"""Whose a Yjs client id is in a document: the person's who was first to write under it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from storage.catalog import tables
from storage.catalog.database import Database
from storage.catalog.values import storable

_CLIENT_IDS = tables.client_ids.c
_CHUNK = 500  # rows in one statement; SQLite takes 32,766 parameters


class ClientIds:
    """The table client_ids. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owners(self, material: str) -> dict[int, str]:
        """The owner of each client id of a document that has one."""
        return await self._read(_select(_CLIENT_IDS.material == material)) if storable(material) else {}

    async def claim(self, material: str, owners: Mapping[int, str], now: int) -> dict[int, str]:
        """Make `owners` the owners of client ids that have none; returns whose each of them is now.

        `now`: Unix milliseconds. What no database can store stays without an owner.
        """
        rows = [
            {"material": material, "client": client, "owner": owner, "since": now}
            for client, owner in sorted(owners.items())  # in one order: two nodes cannot block each other
            if storable(material) and storable(owner)
        ]
        found: dict[int, str] = {}
        for start in range(0, len(rows), _CHUNK):
            found |= await self._claim(material, rows[start : start + _CHUNK])
        return found

    async def _claim(self, material: str, rows: list[dict[str, Any]]) -> dict[int, str]:
        async with self._database.write("claim client ids") as connection:
            await connection.execute(self._database.insert_new(tables.client_ids), rows)
        clients = [row["client"] for row in rows]
        return await self._read(_select(_CLIENT_IDS.material == material, _CLIENT_IDS.client.in_(clients)))

    async def _read(self, query: Select[Any]) -> dict[int, str]:
        async with self._database.read("read client ids") as connection:
            return {row.client: row.owner for row in await connection.execute(query)}


def _select(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(_CLIENT_IDS.client, _CLIENT_IDS.owner).where(*conditions)
