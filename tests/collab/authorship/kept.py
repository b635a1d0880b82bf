"""The part of a catalogue that accounts are kept in, in memory; and accounts as they are tested."""

from collections.abc import Collection
from typing import Any, cast

from collab.authorship.account import Account
from collab.authorship.service import Authorship
from storage.base import ObjectStore, UpdateLog
from storage.catalog.authorship import Derived, Known
from storage.compactor import Compactor
from storage.format import encode_entry
from storage.retention import HOUR
from storage.testing import append
from storage.values import Cursor, Entry

DOC = "m"


class Kept:
    """Stands for a catalogue, and for its table."""

    def __init__(self) -> None:
        self.rows: dict[str, Derived] = {}

    @property
    def authorship(self) -> "Kept":
        return self

    async def read(self, material: str) -> Derived | None:
        return self.rows.get(material)

    async def keep(self, material: str, derived: Derived) -> bool:
        self.rows[material] = derived
        return True

    async def people(self, ids: Collection[str]) -> dict[str, Known]:
        return {}


class Past:
    """A log and its objects, which grow and are compacted as in a running server."""

    def __init__(self, log: UpdateLog, objects: ObjectStore) -> None:
        self.log = log
        self.objects = objects
        self.kept = Kept()
        self._now = 0

    async def write(self, entry: Entry) -> Cursor:
        return await append(self.log, DOC, encode_entry(entry))

    async def compact(self) -> None:
        self._now += HOUR // 2
        await Compactor(self.log, self.objects).compact(DOC, self._now)

    async def read(self) -> Account:
        """On top of what was read before."""
        return await self.authorship(self.kept).read(DOC)

    async def read_anew(self) -> Account:
        """From nothing."""
        return await self.authorship(Kept()).read(DOC)

    async def rebuild(self) -> bool:
        return await self.authorship(self.kept).rebuild(DOC)

    def authorship(self, kept: Kept) -> Authorship:
        return Authorship(cast(Any, kept), self.log, self.objects)
