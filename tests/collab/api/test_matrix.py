"""Every role on every route: allowed where the table below says so, and denied by default.

The table repeats `collab.sharing.roles` on purpose: whoever changes what a role may do says it twice.
"""

from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

import httpx2
import pytest
from fastapi.routing import RouteContext
from starlette.applications import Starlette

from collab.api.application import create_api
from collab.api.rules import Who, api_routes, rule
from collab.sharing.roles import Action, GroupAction
from tests.collab.api.people import GIVEN, World, make_world
from tests.collab.api.running import bearer, running

CALLERS = ("nobody", "guest", "outsider", *GIVEN, "owner")  # who may most comes last
TAKER = {"take"}
VIEWER = TAKER | {"read", "copy"}
COMMENTER = VIEWER | {"comment"}
EDITOR = COMMENTER | {"write", "rename", "add"}
OWNER = EDITOR | {"organise", "share", "moderate", "delete"}
ALLOWED = {"taker": TAKER, "viewer": VIEWER, "commenter": COMMENTER, "editor": EDITOR, "owner": OWNER}
MEMBERS = {"taker", "viewer", "commenter", "editor", "owner"}

DECIDED_BY_HANDLERS = (Who.ANYBODY, Who.TOKEN)  # whose routes have tests of their own
ROUTES = [route for route in api_routes(create_api().routes) if rule(route) not in DECIDED_BY_HANDLERS]


def label(route: RouteContext) -> str:
    return f"{min(route.methods or ())} {route.path}"


def refusal(action: StrEnum | None, caller: str) -> int | None:
    """The status that the rule refuses with; None: the route itself answers."""
    if caller == "nobody":
        return 401
    if isinstance(action, Who):
        return 403 if caller == "guest" and action is Who.ACCOUNT else None
    if caller not in MEMBERS:
        return 404
    if isinstance(action, GroupAction):
        return None if caller == "owner" or action is GroupAction.SEE else 403
    return None if action in ALLOWED[caller] else 403


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """The server outlives one test, so its event loop does too."""
    return "asyncio"


@pytest.fixture(scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[httpx2.AsyncClient, Starlette]]:
    data: Path = tmp_path_factory.mktemp("matrix")
    async with running(data, named=False, requests_per_minute=0) as both:
        yield both


async def send(client: httpx2.AsyncClient, route: RouteContext, world: World, caller: str) -> httpx2.Response:
    """A request that the rule lets through or not; a body, where one is needed, is of no use to the route."""
    scope = "tab" if "{tab}" in str(route.path) else "material"
    ids = {**world.ids, "share": world.ids["share"] + scope, "link": world.ids["link"] + scope}
    address = str(route.path_format).format_map(ids)
    headers = {} if caller == "nobody" else bearer(world.tokens[caller])
    has_body = route.body_field is not None
    return await client.request(
        min(route.methods or ()), address, headers=headers, **({"json": []} if has_body else {})
    )


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES, ids=label)
async def test_every_role_gets_what_the_table_says(
    server: tuple[httpx2.AsyncClient, Starlette], route: RouteContext
) -> None:
    client, app = server
    world, action = await make_world(app), rule(route)
    for caller in CALLERS:
        answer = await send(client, route, world, caller)
        expected = refusal(action, caller)

        if expected is None:
            assert answer.status_code < 500, caller
            assert answer.status_code not in (401, 403), (caller, answer.text)
            assert answer.status_code != 404 or isinstance(action, Who), (caller, answer.text)
        else:
            assert answer.status_code == expected, (caller, answer.text)


def test_every_action_is_in_the_table() -> None:
    assert {*Action} == OWNER


def test_there_are_routes_to_test() -> None:
    assert len(ROUTES) > 50
