"""Runs the application under uvicorn: binds, says when it is ready, drains when told to stop."""

import gc
import logging
import os
import signal
import socket
import threading
from functools import partial
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from collab.app import create_app
from collab.errors import StartError
from collab.hub import Hub
from collab.listening import address_of, listen
from collab.logs import configure
from collab.settings import Settings
from collab.wire import WebSocketProtocol

_FRAME_FACTOR = 2  # a frame so many times the largest step 2 is read, so that its sender is told 4413


def serve(settings: Settings) -> None:
    """Serve until a signal comes. Raises StartError, or SystemExit with 1 where something was left behind."""
    configure(as_json=settings.log_json)
    listener = listen(settings.host, settings.port, shared=settings.worker > 0)
    if settings.worker:
        _end_without_supervisor()
    url = address_of(settings.host, listener)  # its port is not that of the settings where they say 0
    app = create_app(settings.model_copy(update={"public_url": settings.public_url or url}))
    # A start that fails gets one line from us, not a traceback from uvicorn.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not hasattr(app.state, "start_error"))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws=partial(WebSocketProtocol, stranger_bytes=settings.stranger_bytes),  # type: ignore[arg-type]
        ws_max_size=settings.step2_bytes * _FRAME_FACTOR,
        ws_per_message_deflate=False,  # a compressed bomb would be unpacked before any limit sees it
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=[str(network) for network in settings.proxies],
        access_log=False,  # query strings hold tokens
        log_config=None,
        timeout_graceful_shutdown=int(settings.drain_seconds) + 5,
        lifespan="on",
    )
    server = _Server(config, app, url)
    server.run(sockets=[listener])
    if server.force_exit or not server.settled:
        raise SystemExit(1)


class _Server(uvicorn.Server):
    """uvicorn's server, which also prints the ready line and drains before it closes sockets.

    Attributes:
        settled: whether every room had recorded what it held when the server stopped.
    """

    def __init__(self, config: uvicorn.Config, app: Starlette, url: str) -> None:
        super().__init__(config)
        self.settled = False
        self._app = app
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's answer to a lifespan that failed
            raise getattr(self._app.state, "start_error", StartError("see the log")) from None
        _rest_garbage_collector()
        print(f"StudyHub ready: {self._url}", flush=True)  # noqa: T201 - the line that programs wait for

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in peace; a second SIGINT hurries. uvicorn's own raises the signal again at the end."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        hub: Hub = self._app.state.hub
        await hub.drain()
        self.settled = all(room.is_settled for room in hub.rooms.values())
        await super().shutdown(sockets)


def _rest_garbage_collector() -> None:
    """Keep it from walking over all modules again and again, tens of milliseconds each time.

    What is there now stays to the end. Hardly anything that comes is in a cycle, a closed connection for one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _end_without_supervisor() -> None:
    """A node whose supervisor has died stops as if it had been told to."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
