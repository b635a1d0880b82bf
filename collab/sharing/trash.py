"""The trash: what lies in it for 30 days is purged from the log, from the objects and from the catalogue."""

import asyncio
from typing import TYPE_CHECKING

from collab.logs import log
from collab.sharing.notices import Change, Notices
from storage.base import Lease, ObjectStore, UpdateLog
from storage.catalog.shares import Scope
from storage.clock import unix_milliseconds
from storage.errors import StorageError
from storage.keys import segment_prefix, snapshot_prefix
from storage.retention import DAY

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

KEPT = 30 * DAY
"""Milliseconds that something lies in the trash."""

_PAUSE = 3600.0  # seconds between two looks
_LEASE = 600.0  # seconds that one may take before another node tries as well
_NAME = "purge"


class Trash:
    """Throws away, gives back and purges. Every coroutine but `run` raises Unavailable."""

    def __init__(
        self, catalog: "Catalog", update_log: UpdateLog, objects: ObjectStore, notices: Notices
    ) -> None:
        self._catalog = catalog
        self._log = update_log
        self._objects = objects
        self._notices = notices

    async def throw(self, scope: Scope, id: str, *, by: str) -> bool:
        """Put it into the trash, which ends its sessions; tells whether it was there and in use."""
        return await self._note(
            await self._catalog.shelf.trash(scope, id, unix_milliseconds()), "trash", scope, id, by
        )

    async def restore(self, scope: Scope, id: str, *, by: str) -> bool:
        """Take it out again; tells whether it was in the trash."""
        return await self._note(await self._catalog.shelf.restore(scope, id), "restore", scope, id, by)

    async def purge(self, material: str, *, by: str) -> None:
        """Delete a material that lies in the trash for good. What a crash leaves, calling again deletes.

        The log keeps the document's name and where it ended, so that no node takes the loss for a fault.
        """
        state = await self._log.state(material)
        await self._log.trim(material, state.last)
        for prefix in (snapshot_prefix(material), segment_prefix(material)):
            for name in await self._objects.list(prefix):
                await self._objects.delete(name)
        await self._catalog.shelf.purge(Scope.MATERIAL, material)
        await self._note(True, "purge", Scope.MATERIAL, material, by)

    async def empty(self, now: int) -> int:
        """Purge what has lain there for 30 days at `now`, Unix milliseconds; returns how many materials."""
        purged = 0
        while found := await self._catalog.shelf.expired(now - KEPT):
            for material in found:
                await self.purge(material, by="")
            purged += len(found)
        for tab in await self._catalog.shelf.expired_tabs(now - KEPT):
            await self._catalog.shelf.purge(Scope.TAB, tab)
        return purged

    async def run(self, lease: Lease) -> None:
        """Empty it every hour, by one node; until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                token = await lease.acquire(_NAME, _LEASE)
                if token is not None:
                    await self.empty(unix_milliseconds())
                    await lease.release(_NAME, token)
            except StorageError as error:
                log.warning("the trash cannot be emptied", error=str(error))

    async def _note(self, done: bool, action: str, scope: Scope, id: str, by: str) -> bool:
        if done:
            self._notices.tell(Change.of(scope), id)
            await self._catalog.audit.append(by, f"{scope}.{action}", scope, id)
        return done
