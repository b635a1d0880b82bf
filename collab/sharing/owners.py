"""Who owns which client id in the open rooms of this node: kept in the catalogue, in the background.

The engine never waits for it. Until a document's owners are known its ids are as free as those of a new one;
a claim that turns out to be another's is corrected.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from collab.logs import log
from collab.ownership import Ownership, encode_claims
from storage.base import Bus
from storage.clock import unix_milliseconds
from storage.errors import StorageError

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog


class Owners:
    """Keeps the `Ownership` of open rooms level with the catalogue; without one, does nothing."""

    def __init__(self, catalog: "Catalog | None", bus: Bus) -> None:
        self._catalog = catalog
        self._bus = bus
        self._unread: dict[str, Ownership] = {}  # by material
        self._claims: dict[str, tuple[Ownership, dict[int, str]]] = {}
        self._task: asyncio.Task[None] | None = None

    def opened(self, material: str, ownership: Ownership) -> None:
        """Read the owners of a document that was opened."""
        if self._catalog is not None:
            self._unread[material] = ownership
            self.work()

    def attend(self, material: str, ownership: Ownership) -> None:
        """Take over what was claimed in a room, to be written by `work`."""
        if ownership.claims and self._catalog is not None:
            _, waiting = self._claims.setdefault(material, (ownership, {}))
            waiting |= ownership.claims
            self._claims[material] = (ownership, waiting)
        ownership.claims.clear()

    def closed(self, material: str, ownership: Ownership) -> None:
        """The room is over."""
        self.attend(material, ownership)
        self._unread.pop(material, None)

    def work(self) -> None:
        """Read and write what waits, unless that is under way."""
        if (self._unread or self._claims) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    async def finish(self, seconds: float) -> None:
        """Write what waits, as far as the catalogue takes it within `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if self._task is not None:
                    await self._task
                await self._work()

    async def _work(self) -> None:
        try:
            while self._unread:
                await self._read(next(iter(self._unread)))
            while self._claims:
                await self._write(next(iter(self._claims)))
        except StorageError as error:  # it waits for the next time
            log.warning("owners of client ids cannot be looked up", error=str(error))

    async def _read(self, material: str) -> None:
        assert self._catalog is not None
        owners = await self._catalog.client_ids.owners(material)
        ownership = self._unread.pop(material, None)
        if ownership is not None:
            ownership.learn(owners)

    async def _write(self, material: str) -> None:
        assert self._catalog is not None
        asked = dict(self._claims[material][1])
        owners = await self._catalog.client_ids.claim(material, asked, unix_milliseconds())
        ownership, claims = self._claims[material]  # the room may be another by now
        ownership.learn(owners)
        self._bus.publish(material, encode_claims(owners))
        for client in asked:
            del claims[client]
        if not claims:
            del self._claims[material]
