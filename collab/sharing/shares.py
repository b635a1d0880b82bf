"""Roles given to people and groups, and taken back."""

import secrets
from typing import TYPE_CHECKING

from collab.auth.grants import Role
from collab.sharing.notices import Change, Notices
from storage.catalog.shares import Kind, Scope, Share
from storage.clock import unix_milliseconds

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog


class Shares:
    """Gives and takes roles; open sessions follow. Every method raises Unavailable."""

    def __init__(self, catalog: "Catalog", notices: Notices) -> None:
        self._catalog = catalog
        self._notices = notices

    async def give(
        self,
        scope: Scope,
        target: str,
        kind: Kind,
        grantee: str,
        role: Role,
        *,
        by: str,
        expires: int | None = None,
    ) -> Share:
        """Give `grantee` a role, in place of what it was given there; `expires` in Unix milliseconds."""
        id, now = secrets.token_urlsafe(12), unix_milliseconds()
        share = await self._catalog.sharing.give(
            Share(id, scope, target, kind, grantee, role.value, now, by, expires)
        )
        self._notices.tell(Change.of(scope), target)
        details: dict[str, object] = {"kind": kind.value, "grantee": grantee, "role": role.value}
        await self._catalog.audit.append(by, "share.give", scope, target, details)
        return share

    async def take(self, share: Share, *, by: str) -> bool:
        """Take it back; tells whether it was there."""
        if not await self._catalog.sharing.take(share.id):
            return False
        self._notices.tell(Change.of(share.scope), share.target)
        details: dict[str, object] = {"kind": share.grantee_kind.value, "grantee": share.grantee}
        await self._catalog.audit.append(by, "share.take", share.scope, share.target, details)
        return True
