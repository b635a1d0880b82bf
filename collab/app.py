"""The composition root: settings in, a Starlette application out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab import pages, websocket
from collab.api import health, materials
from collab.api.problems import on_http_exception, on_rejected
from collab.auth.door import Door, own_secret
from collab.backends import Backends
from collab.errors import Rejected, StartError
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.settings import Settings
from collab.workers import Workers
from storage.base import UpdateLog
from storage.errors import StorageError
from storage.file_objects import FileObjects
from storage.lock import FolderLock
from storage.sqlite_log import SqliteLog
from storage.values import Level

_CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_HEADERS = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def create_app(
    settings: Settings,
    backends: Backends | None = None,
) -> Starlette:
    """The application. Its backends can be handed in, by tests for example.

    It opens its data folder when it starts and raises StartError there.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with _running(app, settings, backends):
                yield
        except StartError as error:
            app.state.start_error = error  # uvicorn reports a failed start without its cause
            raise

    endpoint = WebSocketRoute("/collab/{material:path}", websocket.endpoint)
    return Starlette(
        routes=[
            endpoint,
            Mount("/api/v1", routes=materials.ROUTES),
            *health.ROUTES,
            *pages.routes(),
        ],
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={Rejected: on_rejected, HTTPException: on_http_exception},
        lifespan=lifespan,
    )


@asynccontextmanager
async def _running(app: Starlette, settings: Settings, backends: Backends | None) -> AsyncIterator[None]:
    """Everything between start and stop, in order."""
    with _folder(settings):
        secret = _secret(settings)
        backends = backends or _embedded(settings)
        await _check_log(settings, backends.log)
        workers = Workers()
        hub = Hub(settings, backends, workers, CrashGuard(settings.data / "open"))
        app.state.settings, app.state.hub, app.state.door = settings, hub, Door(settings, secret)
        chores = [
            asyncio.create_task(chore) for chore in (hub.keep_house(), hub.keep_level(), hub.peers.run())
        ]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await hub.close()
            await backends.bus.close()
            await backends.log.close()
            workers.close()


def _embedded(settings: Settings) -> Backends:
    return Backends(SqliteLog(settings.data / "log.db"), FileObjects(settings.data / "objects"))


def _folder(settings: Settings) -> FolderLock:
    """The data folder, locked against a second server. Raises StartError."""
    try:
        return FolderLock(settings.data)
    except StorageError as error:
        raise StartError(str(error)) from error


def _secret(settings: Settings) -> bytes:
    try:
        return own_secret(settings.data)
    except OSError as error:
        raise StartError(f"the secret in {settings.data} cannot be kept: {error.strerror}") from error


async def _check_log(settings: Settings, update_log: UpdateLog) -> None:
    """Raises StartError where the log cannot be opened or gives less than the settings ask for."""
    try:
        await update_log.state("")
    except StorageError as error:
        raise StartError(f"the log cannot be opened: {error}") from error
    order = list(Level)
    if settings.level and order.index(settings.level) > order.index(update_log.strongest):
        raise StartError(f"STUDYHUB_LEVEL: this log gives {update_log.strongest} at most")


class _SecurityHeaders:
    """Adds the headers that keep a browser from running what is not ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)
