"""The application in this process, without a socket, with routes of a test's own beside its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.routing import Mount

from collab.api.application import Api, include
from collab.api.dependencies import Person, Principal
from collab.app import create_app
from collab.errors import CloseCode, Rejected
from collab.settings import Settings


class Named:
    """Authenticator whose tokens are names: `ada`, `guest:ben`; `premium` in the name tells the tier."""

    async def authenticate(self, token: str) -> Principal:
        if token == "bad":
            raise Rejected(CloseCode.UNAUTHENTICATED, "the token is not valid", "unauthenticated")
        person = Person(token, token, "premium" if "premium" in token else "free")
        person.guest = token.startswith("guest:")
        return person


@asynccontextmanager
async def running(
    data: Path, *routers: APIRouter, named: bool = True, **settings: object
) -> AsyncIterator[tuple[httpx2.AsyncClient, Starlette]]:
    """A client of an application on the folder `data`, and the application; `named`: callers are Named."""
    app = create_app(Settings(data=data, **settings))  # type: ignore[arg-type]
    for router in routers:
        include(api_of(app), router)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client,
    ):
        if named:
            app.state.authenticator = Named()
        yield client, app


def api_of(app: Starlette) -> Api:
    """The mounted API."""
    return next(route.app for route in app.routes if isinstance(route, Mount) and isinstance(route.app, Api))


def bearer(token: str) -> dict[str, str]:
    """The header of somebody with `token`."""
    return {"Authorization": f"Bearer {token}"}
