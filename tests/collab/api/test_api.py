"""Materials, tokens, health and the page, over real HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from pycrdt import Map, Text, XmlFragment

from tests.collab.conftest import StartServer, connected


def call(url: str, body: Any = None, *, bearer: str = "", method: str | None = None) -> tuple[int, Any]:
    """Status and decoded body."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            assert error.headers["content-type"] == "application/problem+json"
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def api(shared_server: StartServer) -> str:
    return shared_server(auth="links").http + "/api/v1"


def created(api: str) -> dict[str, Any]:
    status, body = call(f"{api}/materials", {"kind": "guide", "title": "Cells"})
    assert status == 201
    return body


def capability(link: str) -> str:
    return link.partition("#k=")[2]


def test_a_new_material_has_two_links_with_two_roles(api: str) -> None:
    material = created(api)
    for name, role in (("edit", "editor"), ("view", "viewer")):
        link = material["links"][name]
        assert link.startswith(f"/m/{material['id']}#k=")
        status, body = call(f"{api}/token", {"id": material["id"], "k": capability(link)})
        assert (status, body["role"]) == (200, role)
        assert body["user"]["name"].startswith("Guest ")


def test_nobody_passes_on_more_than_it_has(api: str) -> None:
    material = created(api)
    for name, expected in (("edit", {"edit", "view"}), ("view", {"view"})):
        _, body = call(f"{api}/token", {"id": material["id"], "k": capability(material["links"][name])})
        status, links = call(f"{api}/materials/{material['id']}/links", bearer=body["token"])
        assert status == 200
        assert set(links) == expected


def test_a_materials_id_alone_gives_nothing(api: str) -> None:
    material, other = created(api), created(api)
    for k in ("", "editor", capability(other["links"]["edit"])):
        assert call(f"{api}/token", {"id": material["id"], "k": k})[0] == 403
    assert call(f"{api}/materials/{material['id']}/links")[0] == 401
    assert call(f"{api}/materials/{material['id']}/links", bearer="x")[0] == 401


@pytest.mark.parametrize("material", ["a/x", "live/x"])
def test_a_reserved_id_is_refused(api: str, material: str) -> None:
    assert call(f"{api}/token", {"id": material, "k": "x"})[0] == 400
    assert call(f"{api}/materials/{material}/links")[0] == 400


@pytest.mark.anyio
async def test_a_new_material_holds_its_kind_schema_and_title(api: str) -> None:
    material = created(api)
    _, body = call(f"{api}/token", {"id": material["id"], "k": capability(material["links"]["view"])})
    url = api.replace("http", "ws").removesuffix("/api/v1") + "/collab"
    async with connected(url, material["id"], ticket=body["token"]) as client:
        meta = client.doc.get("meta", type=Map)

        assert (meta["schema"], meta["kind"], str(meta["title"])) == (1.0, "guide", "Cells")
        assert isinstance(meta["title"], Text)
        assert str(client.doc.get("body", type=XmlFragment)) == "<paragraph></paragraph>"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 10_000, 400),
        ({"kind": "poem"}, 400),
        ({"kind": "guide", "title": "x" * 201}, 400),
        ({"kind": "guide", "extra": 1}, 400),
        (b'{"kind":"guide","title":"\\ud800"}', 400),
        (b" " * 20_000, 413),
    ],
)
def test_a_bad_body_gets_a_problem_document(api: str, body: Any, status: int) -> None:
    code, problem = call(f"{api}/materials", body)

    assert (code, problem["status"]) == (status, status)
    assert problem["title"]


def test_unknown_addresses_and_methods_get_problem_documents(api: str) -> None:
    assert call(f"{api}/nothing")[0] == 404
    assert call(f"{api}/materials", method="DELETE")[0] == 405


def test_a_platforms_server_makes_no_materials_of_its_own(start_server: StartServer) -> None:
    server = start_server(auth="jwt", jwt_secret="a secret that is long enough")

    assert call(f"{server.http}/api/v1/materials", {"kind": "guide"})[0] == 403


def test_health_and_metrics_answer(api: str) -> None:
    root = api.removesuffix("/api/v1")

    assert call(f"{root}/health/live") == (200, {"status": "live"})
    assert call(f"{root}/health/ready") == (200, {"status": "ready", "level": "synced"})
    with urllib.request.urlopen(f"{root}/metrics") as response:
        assert b"studyhub_connections 0.0" in response.read()


def test_every_answer_keeps_browsers_from_running_what_is_not_ours(api: str) -> None:
    with urllib.request.urlopen(f"{api.removesuffix('/api/v1')}/health/live") as response:
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
