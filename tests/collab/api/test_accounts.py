"""Accounts over HTTP, on both databases; and nothing of them in the log."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import anyio
import httpx2
import orjson
import pyotp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pycrdt import Doc, Map
from starlette.applications import Starlette

from benchmarks.client import Client
from collab.accounts.sessions import Device
from collab.accounts.users import add_user
from collab.app import create_app
from collab.settings import Settings
from collab.sharing.trash import Trash
from storage.appending import append
from storage.catalog.shares import Group, Kind, Scope, Share
from storage.clock import unix_milliseconds
from tests.collab.api.running import bearer, running
from tests.collab.conftest import StartServer
from tests.collab.live import serving
from tests.servers import Postgres
from tests.servers.process import free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

EMAIL = "ann@example.org"
PASSWORD = "correct horse"
NEW = "battery staple"


class Mailbox:
    """Takes mails by SMTP."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.texts.append(message.get_content())  # type: ignore[attr-defined]
        return "250 OK"

    def token(self) -> str:
        """That of the newest link."""
        return re.findall(r"#token=(\S+)", self.texts[-1])[0]

    def tokens(self) -> set[str]:
        """Those of all links."""
        return set(re.findall(r"#token=(\S+)", "".join(self.texts)))


@contextmanager
def listening() -> Iterator[tuple[Mailbox, str]]:
    mailbox = Mailbox()
    (port,) = free_ports(1)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield mailbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server
        server.kill()


class Caller:
    """A browser that keeps its tokens."""

    def __init__(self, client: httpx2.AsyncClient, mailbox: Mailbox, app: Starlette | None = None) -> None:
        self.client = client
        self.mailbox = mailbox
        self.app = app
        self.session: dict[str, Any] = {}

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """The answer, which must have this status; as who is signed in."""
        headers = bearer(self.session["access"]) if self.session else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def mailed(self) -> str:
        """The token of the mail that was just asked for."""
        if self.app is not None:
            await self.app.state.accounts.accounts.close()
        return self.mailbox.token()

    async def join(self, email: str = EMAIL) -> None:
        await self.call("POST", "/account/registrations", {"email": email}, 202)
        body = {"token": await self.mailed(), "name": "Ann", "password": PASSWORD}
        self.session = await self.call("POST", "/account", body, 201)


@pytest.fixture(params=["sqlite", "postgres"])
async def ann(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Caller]:
    """Somebody who has just made an account."""
    more = {}
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        more["database_url"] = server.url
    with listening() as (mailbox, url):
        async with running(tmp_path, named=False, smtp_url=url, **more) as (client, app):
            caller = Caller(client, mailbox, app)
            await caller.join(f"{request.node.name.partition('[')[0][:40]}@example.org")
            yield caller


async def test_an_account_lives(ann: Caller) -> None:
    """Made, looked at, changed, signed in to elsewhere, signed out there, and erased."""
    account = await ann.call("GET", "/account")
    assert (account["name"], account["tier"], account["has_password"]) == ("Ann", "free", True)
    await ann.call("PATCH", "/account", {"name": "Anna"}, 204)
    assert (await ann.call("GET", "/account"))["name"] == "Anna"
    credentials = {"email": account["email"], "password": PASSWORD}
    other = await ann.call("POST", "/sessions", credentials, 201)
    devices = (await ann.call("GET", "/sessions"))["items"]
    assert [one["current"] for one in sorted(devices, key=lambda one: one["created"])] == [True, False]
    await ann.call("DELETE", f"/sessions/{other['id']}", status=204)
    await ann.call("DELETE", f"/sessions/{other['id']}", status=404)
    answer = await ann.client.get("/account", headers=bearer(other["access"]))
    assert (answer.status_code, answer.json()["type"]) == (401, "about:blank#signed_out")
    exported = await ann.call("GET", "/account/export")
    assert exported["account"]["email"] == account["email"]
    await ann.call("POST", "/account/erasure", {"password": "wrong"}, 403)
    await ann.call("POST", "/account/erasure", {"password": PASSWORD}, 204)
    await ann.call("GET", "/account", status=401)


async def test_a_session_is_refreshed_and_a_copied_token_ends_it(
    ann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ann.session
    ann.session = {}
    ann.session = await ann.call("POST", "/sessions/refresh", {"refresh": first["refresh"]})
    await ann.call("GET", "/account")
    monkeypatch.setattr("collab.accounts.sessions._AT_ONCE_MS", 0)
    await ann.call("POST", "/sessions/refresh", {"refresh": first["refresh"]}, 401)
    await ann.call("GET", "/account", status=401)


async def test_a_second_factor_over_http(ann: Caller) -> None:
    email = (await ann.call("GET", "/account"))["email"]
    secret = (await ann.call("POST", "/account/second-factor", {"password": PASSWORD}, 201))["secret"]
    app = pyotp.TOTP(secret)
    codes = (await ann.call("PUT", "/account/second-factor", {"code": app.now()}))["codes"]
    credentials = {"email": email, "password": PASSWORD}
    needed = await ann.call("POST", "/sessions", credentials, 401)
    assert needed["type"].endswith("#code_needed")
    await ann.call("POST", "/sessions", {**credentials, "code": codes[0]}, 201)
    await ann.call("POST", "/sessions", {**credentials, "code": codes[0]}, 401)
    await ann.call("POST", "/account/second-factor/end", {"password": PASSWORD}, 204)
    await ann.call("POST", "/sessions", credentials, 201)


async def test_what_the_state_of_an_account_forbids_is_a_conflict(ann: Caller) -> None:
    refused = [
        await ann.call("PUT", "/account/second-factor", {"code": "123456"}, 409),
        await ann.call("POST", "/account/password", {"old": PASSWORD, "new": "password1"}, 400),
        await ann.call("GET", "/sessions?limit=0", status=400),
        await ann.call("DELETE", "/sessions/unknown", status=404),
    ]

    labels = ["totp_not_begun", "common_password", "body", "missing"]
    assert [answer["type"].partition("#")[2] for answer in refused] == labels


async def test_a_guest_is_claimed_over_http(ann: Caller) -> None:
    assert ann.app is not None
    guest, token = ann.app.state.door.guests.know(None, "On the bus")

    assert await ann.call("POST", "/account/guests", {"guest": token}, 201) == {
        "id": guest.id,
        "name": guest.name,
    }
    await ann.call("POST", "/account/guests", {"guest": "x"}, 401)
    answer = await ann.client.get("/account", headers=bearer(token))
    assert (answer.status_code, answer.json()["type"]) == (403, "about:blank#account_needed")


async def test_who_signs_out_leaves_the_materials_that_are_open(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path))
    async with serving(app) as url, httpx2.AsyncClient(base_url=f"http{url[2:]}/api/v1") as client:
        service = app.state.accounts
        user = await add_user(app.state.backends.catalog.people, service.sessions._audit, "Ann", None, None)
        ann = Caller(client, Mailbox())
        ann.session = {"access": (await service.sessions.open(user, Device())).access}
        material = (await ann.call("POST", "/me/materials", {"kind": "guide"}, 201))["id"]
        ticket = await ann.call("POST", f"/materials/{material}/ticket")
        assert ticket["user"] == {"id": user.id, "name": "Ann"}
        socket = Client(f"{url}/collab", material, ticket=ticket["token"])
        await socket.connect()
        await ann.call("DELETE", "/sessions/current", status=204)
        with anyio.fail_after(10):
            while not socket.close_code:
                await anyio.sleep(0.01)
        assert socket.close_code == 4401
        await socket.close()


async def test_what_an_issuer_sends_back_goes_to_the_page_behind_a_hash(ann: Caller) -> None:
    """By redirect, and by form as Apple does; nothing else goes along, and nowhere else."""
    query = {"code": "a&b", "state": "s", "next": "https://evil.example"}
    redirected = await ann.client.get("/oidc/callback", params=query)
    posted = await ann.client.post("/oidc/callback", data=query)

    for answer in (redirected, posted):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/account/oidc#code=a%26b&state=s"


async def test_a_platform_has_its_own_accounts(tmp_path: Path) -> None:
    async with running(tmp_path, named=False, auth="jwt", jwt_secret="x" * 32) as (client, _):
        answers = [
            await client.post("/account/registrations", json={"email": EMAIL}),
            await client.post("/sessions", json={"email": EMAIL, "password": PASSWORD}),
            await client.get("/oidc"),
        ]

    assert {answer.status_code for answer in answers} == {404}


async def test_no_token_password_code_or_address_is_ever_logged(start_server: StartServer) -> None:
    """A real server lives through everything that accounts do, and through what goes wrong."""
    secrets = [EMAIL, PASSWORD, NEW, "geheim", "wrong password"]
    with listening() as (mailbox, smtp):
        issuer = (
            '[{"name": "x", "issuer": "http://127.0.0.1:1", "client_id": "c", "client_secret": "geheim"}]'
        )
        server = start_server(auth="links", smtp_url=smtp, oidc=issuer, log_json="true")
        async with httpx2.AsyncClient(base_url=f"{server.http}/api/v1") as client:
            ann = Waiting(client, mailbox)
            await live(ann, secrets)
        server.stop()
    log = "".join(server.log)

    assert "an issuer does not answer" in log
    assert "mail was not sent" not in log
    assert [secret for secret in secrets if secret in log] == []


class Waiting(Caller):
    """Waits for mails of a server that is another process."""

    seen: frozenset[str] = frozenset()

    async def mailed(self) -> str:
        with anyio.fail_after(20):
            while not (new := self.mailbox.tokens() - self.seen):
                await anyio.sleep(0.01)
        self.seen |= new
        (token,) = new
        return token


async def live(ann: Caller, secrets: list[str]) -> None:
    """Do everything once, right and wrong; adds to `secrets` what may not be seen."""
    await ann.join()
    first = ann.session
    credentials = {"email": EMAIL, "password": PASSWORD}
    await ann.call("POST", "/sessions", {**credentials, "password": "wrong password"}, 401)
    await ann.call("POST", "/sessions", {**credentials, "extra": NEW}, 400)
    await ann.call("POST", "/account", {"token": "x", "name": "A", "password": PASSWORD}, 403)
    ann.session = await ann.call("POST", "/sessions/refresh", {"refresh": first["refresh"]})
    await ann.call("POST", "/sessions/refresh", {"refresh": first["refresh"]}, 401)
    secret = (await ann.call("POST", "/account/second-factor", {"password": PASSWORD}, 201))["secret"]
    code = pyotp.TOTP(secret).now()
    codes = (await ann.call("PUT", "/account/second-factor", {"code": code}))["codes"]
    await ann.call("POST", "/sessions", {**credentials, "code": "no code"}, 401)
    signed_in = await ann.call("POST", "/sessions", {**credentials, "code": codes[0]}, 201)
    secrets += [
        secret,
        *codes,
        *(one[name] for one in (first, ann.session, signed_in) for name in ("access", "refresh")),
    ]
    secrets += ann.mailbox.tokens()
    await ann.call("POST", "/account/password/resets", {"email": EMAIL}, 202)
    token = await ann.mailed()
    secrets.append(token)
    await ann.call("PUT", "/account/password", {"token": token, "password": NEW}, 204)
    await ann.call("GET", "/account", status=401)
    ann.session = {}
    await ann.call("POST", "/oidc/x/begin", status=503)
    await ann.call("POST", "/oidc/x/finish", {"flow": "f", "code": "geheim", "state": "s"}, 401)
    await ann.client.get("/oidc/callback", params={"code": "geheim", "state": "s"})
    await ann.client.get("/account", headers=bearer(signed_in["access"] + "x"))
    await ann.client.get(f"/openapi.json?token={signed_in['access']}")


async def test_an_archive_has_the_documents_too(ann: Caller) -> None:
    assert ann.app is not None
    kept = (await ann.call("POST", "/me/materials", {"kind": "guide", "title": "Cells"}, 201))["id"]
    lost = (await ann.call("POST", "/me/materials", {"kind": "guide", "title": "Old"}, 201))["id"]
    update_log = ann.app.state.backends.log
    await append(update_log, lost, b"no entry", (await update_log.state(lost)).last)
    answer = await ann.client.get("/account/archive", headers=bearer(ann.session["access"]))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with ZipFile(BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}

    endings = {f"materials/{kept}.yjs", f"materials/{kept}.xml", f"materials/{lost}.unreadable"}
    assert set(files) == {"account.json", *endings}
    assert orjson.loads(files["account.json"])["account"]["name"] == "Ann"
    doc: Doc[Any] = Doc()
    doc.apply_update(files[f"materials/{kept}.yjs"])
    assert str(doc.get("meta", type=Map)["title"]) == "Cells"


async def test_archives_are_no_way_to_keep_a_server_busy(ann: Caller) -> None:
    headers = bearer(ann.session["access"])
    statuses = [(await ann.client.get("/account/archive", headers=headers)).status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]


async def test_what_an_account_owns_is_exported_and_goes_with_it(ann: Caller) -> None:
    """By way of the trash, which takes it from log and objects too, once open sessions are closed."""
    assert ann.app is not None
    me = ann.session["user"]
    tab = (await ann.call("POST", "/tabs", {"title": "Biology"}, 201))["id"]
    material = (await ann.call("POST", "/me/materials", {"kind": "guide", "title": "Cells"}, 201))["id"]
    binned = (await ann.call("POST", "/me/materials", {"kind": "guide", "title": "Old"}, 201))["id"]
    backends = ann.app.state.backends
    catalog = backends.catalog
    await catalog.shelf.trash(Scope.MATERIAL, binned, unix_milliseconds())
    await catalog.sharing.give(Share("s", Scope.TAB, "other", Kind.USER, me, "viewer", 1, "other"))
    await catalog.groups.add(Group("g", me, "7b", None, 1))
    exported = await ann.call("GET", "/account/export")
    assert [one["id"] for one in exported["tabs"]] == [tab]
    assert {one["title"] for one in exported["materials"]} == {"Cells", "Old"}
    await ann.call("POST", "/account/erasure", {"password": PASSWORD}, 204)
    trash = Trash(catalog, backends.log, backends.objects, ann.app.state.hub.notices)
    assert await trash.empty(unix_milliseconds()) == 0  # sessions that are open have time to close
    assert await trash.empty(unix_milliseconds() + 300_001) == 2

    assert await catalog.shelf.tab(tab) is None
    for id in (material, binned):
        assert await catalog.shelf.item(id) is None
    assert await catalog.groups.owned(me) == []
    assert await catalog.sharing.share("s") is None
