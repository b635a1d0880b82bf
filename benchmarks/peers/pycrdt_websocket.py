"""pycrdt-websocket as its documentation starts it, on uvicorn: `uvicorn pycrdt_websocket:app`."""

import importlib
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

_library: Any = importlib.import_module("pycrdt.websocket")  # lives in the servers' environment only
_rooms = _library.WebsocketServer()


@asynccontextmanager
async def _running(_: Starlette) -> Any:
    async with _rooms:
        yield


app = Starlette(routes=[Mount("/", _library.ASGIServer(_rooms))], lifespan=_running)
