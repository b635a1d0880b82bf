"""What callers may do, as the catalogue says; and what the routes of sharing have in common.

The path of a route names what it is about by `material`, `tab` or `group`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from collab.api.dependencies import Principal
from collab.api.problems import Missing
from collab.backends import Backends
from collab.errors import CloseCode, Rejected
from collab.hub import Hub
from collab.sharing.access import Access, Standing
from collab.sharing.roles import Action, GroupAction, allows
from storage.catalog.shares import Scope, Visitor

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog


class CatalogAuthority:
    """Authority over materials, tabs and groups that have an owner; all others are missing."""

    def __init__(self, access: Access, catalog: "Catalog | None") -> None:
        self._access = access
        self._catalog = catalog

    async def check(self, principal: Principal, action: str, path: Mapping[str, Any]) -> None:
        """See `collab.api.rules.Authority`. Raises Rejected, Unavailable."""
        if isinstance(action, GroupAction):
            await self._check_group(principal, action, str(path["group"]))
            return
        assert isinstance(action, Action), "a rule is one of these"
        scope, target = place_of(path)
        standing = await self._access.standing(visitor(principal), scope, target)
        if standing is None or not allows(standing.role, Action.TAKE):
            raise Missing
        _check_standing(standing, action)

    async def _check_group(self, principal: Principal, action: GroupAction, id: str) -> None:
        group = None if self._catalog is None or not principal.id else await self._catalog.groups.group(id)
        if group is None or self._catalog is None:
            raise Missing
        if group.owner == principal.id:
            return
        if all(member.user != principal.id for member in await self._catalog.groups.members(id)):
            raise Missing
        if action is GroupAction.MANAGE:
            raise _too_low()


def visitor(principal: Principal) -> Visitor:
    """A caller, to the catalogue; with the link and the login that its token names, where it does."""
    return Visitor(principal.id, getattr(principal, "link", ""), login_of(principal))


def login_of(principal: Principal) -> str:
    """The id of the login that a caller has signed in with, or its token rests on; "" for others."""
    login = getattr(principal, "login", "")
    return login if isinstance(login, str) else str(login.id)


def place_of(path: Mapping[str, Any]) -> tuple[Scope, str]:
    """What the parameters of a path name."""
    if "material" in path:
        return Scope.MATERIAL, str(path["material"])
    return Scope.TAB, str(path["tab"])


def _check_standing(standing: Standing, action: StrEnum) -> None:
    """Raises Rejected with FORBIDDEN where `action` asks for more."""
    if standing.trashed and action not in (Action.TAKE, Action.READ, Action.DELETE):
        raise Rejected(CloseCode.FORBIDDEN, "it lies in the trash", "trashed")
    if allows(standing.role, action, frozen=bool(standing.frozen)):
        return
    if allows(standing.role, action):
        raise Rejected(CloseCode.FORBIDDEN, "it is frozen", "frozen")
    raise _too_low()


def _too_low() -> Rejected:
    return Rejected(CloseCode.FORBIDDEN, "your role does not allow this", "role")


async def _catalog(request: Request) -> Any:
    backends: Backends = request.app.state.backends
    if backends.catalog is None:
        raise Missing
    return backends.catalog


async def _access(request: Request) -> Access:
    hub: Hub = request.app.state.hub
    return hub.access


if TYPE_CHECKING:
    CatalogDep = Annotated[Catalog, Depends(_catalog)]
else:
    CatalogDep = Annotated[Any, Depends(_catalog)]  # FastAPI asks for the type, whose import takes 0.3 s
"""The catalogue. Raises Missing where there is none."""
AccessDep = Annotated[Access, Depends(_access)]
