"""Share links to tabs and materials: whoever has one has its role, until it expires or is revoked.

A link is `/m/<id>#k=<capability>` or `/t/<id>#k=<capability>`; its capability is the link's signed id.
"""

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from collab.auth.capabilities import Capabilities
from collab.auth.grants import Role
from collab.sharing.notices import Change, Notices
from storage.catalog.shares import Link, Scope
from storage.clock import unix_milliseconds

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

_PAGES = {Scope.MATERIAL: "m", Scope.TAB: "t"}


class ShareLinks:
    """Makes and ends share links. Every coroutine raises Unavailable."""

    def __init__(self, catalog: "Catalog", notices: Notices, capabilities: Capabilities) -> None:
        self._catalog = catalog
        self._notices = notices
        self._capabilities = capabilities

    async def make(
        self, scope: Scope, target: str, role: Role, *, by: str, label: str = "", expires: int | None = None
    ) -> Link:
        """A new link; `expires` in Unix milliseconds."""
        now = unix_milliseconds()
        link = Link(secrets.token_urlsafe(12), scope, target, role.value, label, now, by, expires)
        await self._catalog.sharing.add_link(link)
        await self._catalog.audit.append(
            by, "link.make", scope, target, {"link": link.id, "role": role.value}
        )
        return link

    async def revoke(self, link: Link, *, by: str) -> bool:
        """End a link; sessions that rest on it end too. Tells whether it had not been revoked."""
        if not await self._catalog.sharing.revoke_link(link.id, unix_milliseconds()):
            return False
        self._notices.tell(Change.of(link.scope), link.target)
        await self._catalog.audit.append(by, "link.revoke", link.scope, link.target, {"link": link.id})
        return True

    def path(self, link: Link) -> str:
        """The path of the page that opens the link."""
        capability = self._capabilities.sign_link(link.scope, link.target, link.id)
        return f"/{_PAGES[link.scope]}/{quote(link.target, safe='')}#k={capability}"

    async def find(self, id: str, capability: str) -> Link | None:
        """The link of a capability for the material or tab `id`, or for the tab that the material is in."""
        link = await self.read(Scope.MATERIAL, id, capability) or await self.read(Scope.TAB, id, capability)
        item = await self._catalog.shelf.item(id) if link is None else None
        if item is None or item.tab is None:
            return link
        return await self.read(Scope.TAB, item.tab, capability)

    async def read(self, scope: Scope, target: str, capability: str) -> Link | None:
        """The link of a capability that is good for `target` now."""
        id = self._capabilities.link(scope, target, capability)
        link = await self._catalog.sharing.link(id) if id is not None else None
        if link is None or (link.scope, link.target) != (scope, target) or link.revoked is not None:
            return None
        if link.expires is not None and link.expires <= unix_milliseconds():
            return None
        return link
