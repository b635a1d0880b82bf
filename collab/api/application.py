"""The API under `/api/v1`: a FastAPI application of routers, mounted in `collab.app`.

How to add routes. A file of `collab/api` has one `router`; name it in `_routers` below. In it:

- `router = APIRouter(prefix="/tabs", tags=["tabs"])`, with `route_class=IdempotentRoute` where a request
  that is repeated must act once (`collab.api.idempotency`; not where an answer holds a secret). Handlers
  are coroutines.
- Each route names its rule: `dependencies=[requires(Who.ACCOUNT)]`, or `requires(Action.X)` of an enum of
  your own (`collab.api.rules`); a parameter `caller: Caller` tells who calls. `create_api` raises for a
  route without.
- Bodies and answers are pydantic models; a request's has `model_config = ConfigDict(extra="forbid")`, and
  text that goes into the catalogue is `Storable`. Take the parts of the server as `HubDep`, `DoorDep`,
  `SettingsDep`, `BackendsDep` (`collab.api.dependencies`).
- Lists take `page: PageDep` and give `page.listing(...)` (`collab.api.paging`).
- Refuse by raising: `Missing()` for what is absent or not to be known of, `Refused(409, "reason",
  "label")`, or any `Rejected`; never build an answer of your own for it (`collab.api.problems`). A body of
  another form is 400.
- The name of the function is the operation's id, so it is unique in the API; its docstring is the
  description.

What all of them get: a correlation id (X-Request-ID), metrics, at most 16 KiB of body, errors as
problem+json, and requests counted per account, guest or address (`collab.api.edge`, `quotas`). Who the
callers are and what they may do is asked of `app.state.authenticator` and `app.state.authority`, which
`collab.app` sets.
"""

from asyncio import to_thread
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import Response
from fastapi.routing import APIRoute, RouteContext
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware

from collab.api import (
    accounts,
    authorship,
    comments,
    groups,
    materials,
    moderation,
    sessions,
    sharing,
    shelf,
    tabs,
)
from collab.api.edge import AnswerHeaders, BodyLimit
from collab.api.idempotency import PARAMETER, IdempotentRoute
from collab.api.problems import HANDLERS, MEDIA_TYPE, Problem, on_fault
from collab.api.quotas import limit_requests
from collab.api.rules import Who, api_routes, requires, rule

_MAX_BODY = 16 << 10  # bytes
_BEARER = HTTPBearer(auto_error=False, description="A token of an account, a guest or a platform.")
_DESCRIPTION = (
    "Study materials and the people who share them. The documents themselves travel over WebSockets. "
    "Errors are problem documents (RFC 9457)."
)
_PROBLEM: dict[str, Any] = {
    "description": "The request was refused, or cannot be answered now.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Api(FastAPI):
    """FastAPI, whose document also tells the rule of each operation (`x-rule`) and the form of errors."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made at the first call."""
        if self.openapi_schema is None:
            document = super().openapi()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem_schema.pop("$defs"))
            schemas["Problem"] = problem_schema
            for route in api_routes(self.routes):
                if route.include_in_schema:
                    _describe(document["paths"][route.path_format], route)
        return super().openapi()

    def prepare(self) -> None:
        """Put the routes together, which FastAPI else does while the first requests wait."""
        for _ in api_routes(self.routes):
            pass

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document as JSON, made once."""
        return orjson.dumps(self.openapi())


def create_api() -> Api:
    """The application, without the state that its routes need. Raises ValueError for a route without rule."""
    api = Api(
        title="StudyHub",
        version="1",
        description=_DESCRIPTION,
        openapi_url=None,  # routes as all others, below
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(limit_requests), Depends(_BEARER)],
        responses={"4XX": _PROBLEM, "503": _PROBLEM},
        generate_unique_id_function=lambda route: route.name,
        middleware=[Middleware(AnswerHeaders), Middleware(BodyLimit, limit=_MAX_BODY)],
        exception_handlers={**HANDLERS, Exception: on_fault},
        servers=[{"url": "/api/v1"}],
    )
    for router in (*_routers(), _documents(api)):
        include(api, router)
    return api


def include(api: FastAPI, router: APIRouter) -> None:
    """Add the routes of `router`. Raises ValueError for one without a rule, or of another class."""
    for route in api_routes(router.routes):
        if not isinstance(route.original_route, APIRoute) or rule(route) is None:
            raise ValueError(f"{route.path}: no rule; see collab.api.rules")
    api.include_router(router)


def _routers() -> Sequence[APIRouter]:
    """The routers of the API."""
    return (
        materials.router,
        accounts.router,
        sessions.router,
        tabs.router,
        sharing.router,
        moderation.router,
        comments.router,
        authorship.router,
        groups.router,
        shelf.mine,
        shelf.router,  # the last: its ids take what is left of a path
    )


def _documents(api: Api) -> APIRouter:
    """What describes the API to programs; the page for people is `collab.pages.reference`."""
    router = APIRouter(include_in_schema=False, dependencies=[requires(Who.ANYBODY)])

    @router.get("/openapi.json")
    async def openapi() -> Response:
        # The first time it takes a tenth of a second, in which rooms must go on.
        return Response(await to_thread(lambda: api.document), media_type="application/json")

    return router


def _describe(operations: dict[str, Any], route: RouteContext) -> None:
    """Add what FastAPI does not know of."""
    for method in route.methods or ():
        operation = operations[method.lower()]
        operation["x-rule"] = action = rule(route)
        if action is Who.ANYBODY:
            operation["security"] = [{}, *operation["security"]]
        if isinstance(route.original_route, IdempotentRoute) and method != "GET":
            operation["parameters"] = [*operation.get("parameters", ()), PARAMETER]
