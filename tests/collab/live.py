"""The application behind a real socket in this process, so that a test can hold its log."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from pycrdt import Text
from starlette.applications import Starlette

from benchmarks.client import Client
from collab.app import create_app
from collab.backends import Backends
from collab.settings import read_settings
from storage.base import UpdateLog
from storage.file_objects import FileObjects


@asynccontextmanager
async def running(data: Path, log: UpdateLog, **settings: object) -> AsyncIterator[tuple[str, Starlette]]:
    """The address for clients, and the application, which serves until the block ends."""
    app = create_app(
        read_settings(data=data, auth="none", **settings),
        backends=Backends(log, FileObjects(data / "objects")),
    )
    async with serving(app) as url:
        yield f"{url}/collab", app


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The address of `app` behind a real socket, `ws://host:port`, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, ws="websockets-sansio", log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


class Listener(Client):
    """A client that keeps what it is told about edits that are not recorded."""

    def __init__(self, url: str, room: str, **options: Any) -> None:
        super().__init__(url, room, **options)
        self.notices: list[bool] = []

    def _control(self, body: dict[str, Any]) -> None:
        super()._control(body)
        if body["type"] == "unrecorded":
            self.notices.append(body["on"])


def text(client: Client) -> str:
    """What the client shows."""
    return str(client.doc.get("text", type=Text))


def shows(client: Client, words: str) -> Callable[[], bool]:
    """A condition to wait for."""
    return lambda: words in text(client)


async def write(client: Client, words: str, tag: Any = None) -> None:
    """Append `words` in one edit."""
    end = len(text(client).encode())
    await client.edit(lambda: client.doc.get("text", type=Text).insert(end, words), tag)
