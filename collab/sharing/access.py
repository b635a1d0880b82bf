"""Which role somebody has on a material or tab, as the catalogue says now."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collab.auth.grants import EVERY_MATERIAL, Role
from collab.sharing.roles import highest
from storage.catalog.shares import Place, Scope, Visitor
from storage.clock import unix_milliseconds

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one visitor is on one material or tab.

    Attributes:
        until: Unix milliseconds at which that may change by itself, None for never.
        frozen: why nobody may write, "" where they may.
        trashed: whether it lies in the trash; only its owner is anything there.
    """

    role: Role
    until: int | None = None
    frozen: str = ""
    trashed: bool = False


def stand(place: Place, visitor: Visitor) -> Standing | None:
    """What `visitor`, one of those that `place` was read for, is there. The highest role wins."""
    if not visitor.subject or visitor.subject in place.closed:
        return None
    if visitor.login and visitor.login not in place.logins:
        return None
    if visitor.subject == place.owner:
        return Standing(Role.OWNER, None, place.frozen, place.trashed)
    if place.trashed or visitor.subject in place.barred:
        return None
    held = [*place.users.get(visitor.subject, ()), *place.links.get(visitor.link, ())]
    role = highest(_ROLES[one.role] for one in held if one.role in _ROLES)
    if role is None:
        return None
    until = min((one.expires for one in held if one.expires is not None), default=None)
    return Standing(role, until, place.frozen)


class Access:
    """Asks the catalogue, every time: nothing is kept, so nothing can be stale.

    Without a catalogue nothing has an owner, and nobody is revoked.
    """

    def __init__(self, catalog: "Catalog | None") -> None:
        self._catalog = catalog

    async def place(self, scope: Scope, target: str, visitors: Collection[Visitor]) -> Place | None:
        """Where `visitors` stand on `target`; None: absent, or without an owner. Raises Unavailable."""
        if self._catalog is None:
            return None
        return await self._catalog.sharing.place(scope, target, visitors, unix_milliseconds())

    async def standing(self, visitor: Visitor, scope: Scope, target: str) -> Standing | None:
        """What `visitor` is on `target`; None: nothing, or it is absent or ownerless. Raises Unavailable."""
        place = await self.place(scope, target, [visitor])
        return None if place is None else stand(place, visitor)

    async def role(self, subject: str, link: str, material: str) -> Role | None:
        """The role of `subject`, who came by `link` ("": by none), on `material`. Raises Unavailable."""
        standing = await self.standing(Visitor(subject, link), Scope.MATERIAL, material)
        return None if standing is None or standing.trashed else standing.role

    async def revoked(self, subjects: Collection[str], material: str) -> dict[str, int]:
        """When a platform last revoked the access of `subjects` to `material`, Unix milliseconds.

        Raises Unavailable.
        """
        if self._catalog is None:
            return {}
        return await self._catalog.sharing.blocked_since(subjects, (material, EVERY_MATERIAL))
