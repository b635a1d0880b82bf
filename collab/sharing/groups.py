"""Groups that people join by a code, as a class does; without an account too."""

import secrets
from typing import TYPE_CHECKING

from collab.errors import CloseCode, Rejected
from collab.sharing.moderation import fit_name
from collab.sharing.notices import Change, Notices
from storage.catalog.shares import Group, GroupMember
from storage.clock import unix_milliseconds

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that look alike on a blackboard
_LENGTH = 8  # letters of a code: 31^8 is some 850 thousand million
_ATTEMPTS = 5  # at a code that no other group has


class Classes:
    """Makes groups and lets people in. Every method raises Unavailable."""

    def __init__(self, catalog: "Catalog", notices: Notices) -> None:
        self._catalog = catalog
        self._notices = notices

    async def make(self, name: str, owner: str) -> Group:
        """A new group with a code."""
        id, now = secrets.token_urlsafe(12), unix_milliseconds()
        for _ in range(_ATTEMPTS):
            group = Group(id, owner, name, new_code(), now)
            if await self._catalog.groups.add(group):
                await self._catalog.audit.append(owner, "group.make", "group", id)
                return group
        raise _no_code()

    async def renew_code(self, group: Group, *, by: str) -> str:
        """A new code in place of the old one, which lets nobody in any more."""
        for _ in range(_ATTEMPTS):
            code = new_code()
            if await self._catalog.groups.set_code(group.id, code):
                await self._catalog.audit.append(by, "group.code", "group", group.id)
                return code
        raise _no_code()

    async def close(self, group: Group, *, by: str) -> None:
        """Let nobody in any more."""
        await self._catalog.groups.set_code(group.id, None)
        await self._catalog.audit.append(by, "group.close", "group", group.id)

    async def join(self, code: str, user: str, name: str) -> Group | None:
        """Let `user` in under `name`; None for a code of no group. Raises Rejected for a name that is unfit.

        Who is in already stays under its old name.
        """
        group = await self._catalog.groups.of_code(code.strip().upper())
        if group is None:
            return None
        member = GroupMember(user, unix_milliseconds(), fit_name(name))
        if await self._catalog.groups.join(group.id, member):
            self._notices.tell(Change.SUBJECT, user)
            await self._catalog.audit.append(user, "group.join", "group", group.id)
        return group

    async def leave(self, group: Group, user: str, *, by: str) -> bool:
        """`user` is no member any more; tells whether it was one."""
        if not await self._catalog.groups.leave(group.id, user):
            return False
        self._notices.tell(Change.SUBJECT, user)
        await self._catalog.audit.append(by, "group.leave", "group", group.id, {"user": user})
        return True

    async def remove(self, group: Group, *, by: str) -> None:
        """Forget a group, and what it was given."""
        members = await self._catalog.groups.members(group.id)
        await self._catalog.groups.remove(group.id)
        self._notices.tell(Change.SUBJECT, *(member.user for member in members))
        await self._catalog.audit.append(by, "group.remove", "group", group.id)


def new_code() -> str:
    """A code that can be read out and typed."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def _no_code() -> Rejected:
    return Rejected(CloseCode.UNAVAILABLE, "no free code was found: try again", "group_code")
