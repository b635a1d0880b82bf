"""The built web page: one document for every page address, immutable assets beside it."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

_MISSING = "The web page is not built. Run: make install\n"


async def page(_: Request) -> Response:
    """The page itself; which material it shows is in its address."""
    return _document("index.html")


async def account(_: Request) -> Response:
    """The page of who signs in, of mailed links, of classes to join, of tabs shared by link."""
    return _document("account.html")


async def reference(_: Request) -> Response:
    """The page that shows the API's document and calls it."""
    return _document("docs.html")


def _document(name: str) -> Response:
    if not (STATIC / name).is_file():
        return PlainTextResponse(_MISSING, 503)
    return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})


class _Assets(StaticFiles):
    """Files whose names hold a hash of their content never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def routes() -> list[BaseRoute]:
    """The page's routes, to be tried last."""
    return [
        Route("/", page),
        Route("/m/{material:path}", page),
        Route("/t/{tab}", account),
        Route("/join", account),
        Route("/account", account),
        Route("/account/{purpose}", account),
        Mount("/assets", _Assets(directory=STATIC / "assets", check_dir=False)),
        Mount("/", StaticFiles(directory=STATIC, check_dir=False)),
    ]
