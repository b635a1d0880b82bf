"""A platform with published keys, over real sockets."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import anyio
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from benchmarks.client import Client
from collab.app import create_app
from collab.protocol import ywebsocket
from collab.settings import Settings
from tests.collab.live import serving, text, write

pytestmark = pytest.mark.anyio

OLD, NEW = (ECKey.generate_key("P-256", {"kid": name, "use": "sig"}) for name in ("old", "new"))


class Platform(ThreadingHTTPServer):
    """Publishes `keys`."""

    keys: tuple[ECKey, ...] = (OLD,)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Platform)
        body = orjson.dumps(KeySet([*self.server.keys]).as_dict(private=False))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def platform() -> Iterator[Platform]:
    server = Platform(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def token(key: ECKey, **claims: object) -> str:
    full = {"sub": "ann", "exp": int(time.time()) + 600, "grants": {"m": "editor"}, "create": True} | claims
    return jwt.encode({"alg": "ES256", "kid": key.kid}, full, key)


@asynccontextmanager
async def running(data: Path, platform: Platform) -> AsyncIterator[str]:
    keys = f"http://127.0.0.1:{platform.server_port}/keys"
    async with serving(create_app(Settings(data=data, auth="jwt", jwt_jwks_url=keys))) as url:  # type: ignore[arg-type]
        yield f"{url}/collab"


async def closed(client: Client) -> int:
    """The code that its socket is closed with."""
    with anyio.fail_after(10):
        while not client.close_code:
            await anyio.sleep(0.01)
    return client.close_code


async def test_a_new_key_opens_the_door_and_an_open_session_comes_back_with_it(
    tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collab.auth.keys._PAUSE", 0.0)
    async with running(tmp_path, platform) as url:
        ann = Client(url, "m", ticket=token(OLD))
        await ann.connect()
        await write(ann, "by ann")
        platform.keys = (NEW,)
        await ann.send_raw(ywebsocket.control("hello", schema=1, ticket=token(NEW)))
        assert await closed(ann) == 4501  # transient: a client comes back by itself
        ben = Client(url, "m", token=token(NEW, sub="ben"))
        await ben.connect()
        assert "by ann" in text(ben)
        await ben.close()
        await ann.close()
        stranger = Client(url, "m", token=token(ECKey.generate_key("P-256", {"kid": "x"})))
        with pytest.raises(ConnectionError, match="4401"):
            await stranger.connect()
