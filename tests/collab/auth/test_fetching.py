"""JSON from a server that the settings name."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from collab.auth.fetching import fetch_json

pytestmark = pytest.mark.anyio

ANSWERS = {
    "/good": (200, b'{"a": 1}'),
    "/list": (200, b"[1]"),
    "/text": (200, b"<html>"),
    "/gone": (404, b'{"a": 1}'),
    "/moved": (302, b""),
    "/large": (200, b'{"a": "' + b"x" * (1 << 20) + b'"}'),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Location", "/good")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        ANSWERS["/echo"] = (200, f'{{"form": "{sent}", "by": "{self.headers["Authorization"]}"}}'.encode())
        self.path = "/echo"
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_an_object_is_read(url: str) -> None:
    assert await fetch_json(f"{url}/good") == {"a": 1}


async def test_a_form_is_posted(url: str) -> None:
    answer = await fetch_json(f"{url}/token", {"code": "a b"}, {"Authorization": "Basic x"})

    assert answer == {"form": "code=a+b", "by": "Basic x"}


@pytest.mark.parametrize("path", ["list", "text", "gone", "moved", "large"])
async def test_everything_else_is_an_error(url: str, path: str) -> None:
    """A redirect too: it could lead into the server's own network."""
    with pytest.raises(ValueError):
        await fetch_json(f"{url}/{path}")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://[/", "file:///etc/passwd"])
async def test_a_server_that_is_not_there_is_an_oserror(address: str) -> None:
    with pytest.raises(OSError):
        await fetch_json(address)
