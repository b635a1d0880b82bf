"""The rule of a route: what somebody has to be, or to hold, to call it. No route is without one.

    @router.post("/tabs", dependencies=[requires(Who.ACCOUNT)])
    @router.patch("/tabs/{tab}", dependencies=[requires(Action.RENAME)])

Members of Who are answered here. Every other action is asked of `app.state.authority`, with the parameters of
the path, which name what it is about; it is any StrEnum of the caller's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from collab.api.dependencies import Caller, Principal, unauthenticated
from collab.api.problems import Missing
from collab.errors import CloseCode, Rejected


class Who(StrEnum):
    """Rules that ask for nothing but who calls."""

    ANYBODY = "anybody"
    """Also without a token."""
    TOKEN = "token"
    """The bearer of a token for sockets: the route itself asks the door what the token grants."""
    PERSON = "person"
    """A guest or an account."""
    ACCOUNT = "account"
    """An account."""


class Authority(Protocol):
    """Decides about actions on materials and tabs; `app.state.authority`."""

    async def check(self, principal: Principal, action: str, path: Mapping[str, Any]) -> None:
        """Return if `principal` may do `action` on what `path`, the parameters of the route's path, names.

        `principal` is somebody. Raises Rejected: Missing where it may not even know of it (or it does not
        exist), FORBIDDEN where a higher role is needed.
        """


class NoAuthority:
    """The Authority of a server that knows nothing to decide about."""

    async def check(self, principal: Principal, action: str, path: Mapping[str, Any]) -> None:
        """Raises Missing."""
        raise Missing


@dataclass(frozen=True)
class Requirement:
    """The dependency that holds a route's rule, and keeps it."""

    action: StrEnum

    async def __call__(self, request: Request, caller: Caller) -> Principal:
        """The caller, if it may. Raises Rejected."""
        if self.action is Who.ANYBODY or self.action is Who.TOKEN:
            return caller
        if not caller.id:  # the same for everything, so that it tells of nothing
            raise unauthenticated()
        if isinstance(self.action, Who):
            _check_identity(self.action, caller)
        else:
            authority: Authority = request.app.state.authority
            await authority.check(caller, self.action, request.path_params)
        return caller


def requires(action: StrEnum) -> Any:
    """A route's rule, for its `dependencies`, or `Annotated[Principal, requires(...)]` to get the caller."""
    return Depends(Requirement(action))


def rule(route: RouteContext) -> StrEnum | None:
    """The action that a route requires; None where it names none."""
    found = [call.action for call in _calls(route.dependant) if isinstance(call, Requirement)]
    return found[0] if found else None


def api_routes(routes: Sequence[BaseRoute]) -> Iterator[RouteContext]:
    """The routes of an application or router, with those of the routers that it includes."""
    return iter_route_contexts(routes)


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _check_identity(who: Who, caller: Principal) -> None:
    if who is Who.ACCOUNT and caller.guest:
        raise Rejected(CloseCode.FORBIDDEN, "this needs an account", "account_needed")
