"""The composition root: settings in, a Starlette application out."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collab import pages, websocket
from collab.accounts.service import AccountService, create_accounts
from collab.api import health
from collab.api.application import create_api
from collab.api.authority import CatalogAuthority
from collab.api.dependencies import Authenticator, SocketTokens
from collab.api.edge import Correlation
from collab.api.people import AccountTokens
from collab.api.problems import HANDLERS
from collab.api.quotas import Quotas
from collab.api.rules import Authority
from collab.auth.door import Door
from collab.authorship.service import Authorship
from collab.backends import Backends, keep_lease, open_backends
from collab.errors import StartError
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.logs import log
from collab.settings import AuthMode, Settings
from collab.sharing.notices import Change
from collab.sharing.trash import Trash
from collab.workers import Workers
from storage.base import UpdateLog
from storage.errors import StorageError
from storage.lock import FolderLock
from storage.transfer import UNFINISHED
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

_HSTS = (b"strict-transport-security", b"max-age=31536000")


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
                preparing = asyncio.create_task(asyncio.to_thread(api.prepare))
                yield
                await preparing
        except StartError as error:
            app.state.start_error = error  # uvicorn reports a failed start without its cause
            raise

    endpoint = WebSocketRoute("/collab/{material:path}", websocket.endpoint)
    api = create_api()
    app = Starlette(
        routes=[
            endpoint,
            Route("/api/v1/docs", pages.reference),
            Mount("/api/v1", api),
            *health.ROUTES,
            *pages.routes(),
        ],
        middleware=[Middleware(Correlation), Middleware(_SecurityHeaders)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    api.state = app.state
    return app


@asynccontextmanager
async def _running(app: Starlette, settings: Settings, backends: Backends | None) -> AsyncIterator[None]:
    """Everything between start and stop, in order."""
    async with AsyncExitStack() as stack:
        # Nodes of one installation may share a folder; a server on its own has it for itself.
        stack.enter_context(_folder(settings, shared=settings.redis_url is not None))
        if backends is None:
            backends = await stack.enter_async_context(open_backends(settings))
            await _check_whole(backends)
        await _check_log(settings, backends.log)
        workers = Workers()
        stack.callback(workers.close)
        hub = Hub(settings, backends, workers, CrashGuard(settings.data / "open" / str(settings.worker)))
        stack.push_async_callback(hub.close)
        app.state.settings, app.state.hub, app.state.backends = settings, hub, backends
        app.state.door = Door(settings, _secret(backends))
        _set_up_api(app, settings)
        chores = [
            hub.keep_house(),
            hub.keep_level(),
            hub.peers.run(),
            hub.visits.run(),
            keep_lease(backends),
        ]
        if backends.catalog is not None:
            trash = Trash(backends.catalog, backends.log, backends.objects, hub.notices)
            chores.append(trash.run(backends.lease))
        authorship: Authorship | None = app.state.authorship
        if authorship is not None:
            stack.callback(authorship.close)
        accounts: AccountService | None = app.state.accounts
        if accounts is not None:
            stack.push_async_callback(accounts.accounts.close)
            chores.append(accounts.run())
        tasks = [asyncio.create_task(chore) for chore in chores]
        for task in tasks:
            task.add_done_callback(_report)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _set_up_api(app: Starlette, settings: Settings) -> None:
    """What the routes of the API ask who calls, what they may do, and how often."""
    catalog, door = app.state.backends.catalog, app.state.door
    has_accounts = catalog is not None and settings.auth is AuthMode.LINKS
    ended = partial(app.state.hub.notices.tell, Change.LOGIN)
    service = create_accounts(settings, catalog, door.guests, ended) if has_accounts else None
    authenticator: Authenticator = SocketTokens(door) if service is None else AccountTokens(service, door)
    app.state.accounts = service
    authority: Authority = CatalogAuthority(app.state.hub.access, app.state.backends.catalog)
    app.state.authenticator, app.state.authority = authenticator, authority
    app.state.quotas = Quotas(settings)
    log_, objects = app.state.backends.log, app.state.backends.objects
    app.state.authorship = catalog and Authorship(catalog, log_, objects, Workers())


def _report(chore: asyncio.Task[None]) -> None:
    """A chore ends with the server; one that ends before would be missed by nobody for long."""
    if not chore.cancelled() and chore.exception() is not None:
        log.critical("a chore has ended", exc_info=chore.exception())


async def _check_whole(backends: Backends) -> None:
    """Raises StartError where a copy into these backends has not been finished."""
    try:
        unfinished = await backends.objects.list(UNFINISHED)
    except StorageError as error:
        raise StartError(str(error)) from error
    if unfinished:
        raise StartError("a migration or restore into this place was not finished: repeat it")


def _secret(backends: Backends) -> bytes:
    """What share links are signed with; without a catalogue, good until the server stops."""
    if backends.catalog is None:
        return secrets.token_bytes(32)
    return backends.catalog.installation.secret


def _folder(settings: Settings, *, shared: bool) -> FolderLock:
    """The data folder, locked against other servers. Raises StartError."""
    try:
        return FolderLock(settings.data, shared=shared)
    except StorageError as error:
        raise StartError(str(error)) from error


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
                secure = [_HSTS] if scope["scheme"] == "https" else []
                message["headers"] = [*message["headers"], *_HEADERS, *secure]
            await send(message)

        await self._app(scope, receive, send_with_headers)
