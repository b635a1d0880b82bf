"""What every route of the API gets: problems, correlation, bounds, metrics, and a rule."""

from pathlib import Path

import pytest
import structlog
from fastapi import APIRouter
from prometheus_client import REGISTRY
from pydantic import BaseModel, ConfigDict
from structlog.testing import capture_logs

from collab.api.application import create_api, include
from collab.api.dependencies import Caller
from collab.api.problems import Missing, Refused
from collab.api.rules import Who, api_routes, requires, rule
from collab.logs import log
from tests.collab.api.running import bearer, running


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int


router = APIRouter(prefix="/tests", dependencies=[requires(Who.ANYBODY)])


@router.post("/bodies")
async def take_body(body: Body) -> int:
    return body.count


@router.get("/faults")
async def fail() -> int:
    log.info("about to fail")
    raise RuntimeError("a secret of the server")


@router.get("/refusals/{kind}")
async def refuse(kind: str) -> None:
    raise Missing if kind == "missing" else Refused(409, "it is taken", "taken")


@router.get("/callers")
async def tell_caller(caller: Caller) -> str:
    return caller.id


def test_every_route_names_its_rule() -> None:
    """If this fails: add `dependencies=[requires(...)]` to the route, see collab/api/rules.py."""
    routes = [*api_routes(create_api().routes)]
    assert [route.path for route in routes if rule(route) is None] == []
    assert len(routes) >= 4


def test_a_route_without_a_rule_stops_the_start() -> None:
    lawless = APIRouter()

    @lawless.get("/lawless")
    async def get() -> int:
        return 1

    with pytest.raises(ValueError, match="/lawless: no rule"):
        include(create_api(), lawless)


def test_operation_ids_are_unique() -> None:
    paths = create_api().openapi()["paths"]
    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "pointer"),
    [(b"{", "#"), (b'{"count": "x"}', "#/count"), (b'{"count": 1, "a/b": 2}', "#/a~1b"), (b"", "#")],
)
async def test_a_bad_body_is_a_problem_that_points_at_the_field(
    tmp_path: Path, body: bytes, pointer: str
) -> None:
    async with running(tmp_path, router) as (client, _):
        answer = await client.post(
            "/tests/bodies", content=body, headers={"content-type": "application/json"}
        )

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.anyio
async def test_a_form_is_no_json(tmp_path: Path) -> None:
    """A form is what a page of another origin can send without being asked."""
    async with running(tmp_path, router) as (client, _):
        answer = await client.post(
            "/tests/bodies", content=b'{"count": 1}', headers={"content-type": "text/plain"}
        )

    assert answer.status_code == 400


@pytest.mark.anyio
async def test_a_body_above_the_limit_is_not_read(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        answer = await client.post("/tests/bodies", json={"count": 1, "x": "x" * 20_000})

    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.anyio
async def test_refusals_are_problems_with_a_label_for_programs(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        missing, taken = await client.get("/tests/refusals/missing"), await client.get("/tests/refusals/x")

    assert (missing.status_code, missing.json()["type"]) == (404, "about:blank#missing")
    assert (taken.status_code, taken.json()["title"]) == (409, "it is taken")


@pytest.mark.anyio
async def test_a_fault_tells_nothing_but_its_id(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        answer = await client.get("/tests/faults", headers={"X-Request-ID": "mine-1"})

    assert (answer.status_code, answer.json()["type"]) == (500, "about:blank#internal")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "mine-1"


@pytest.mark.anyio
async def test_log_lines_of_a_request_carry_its_id(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            answer = await client.get("/tests/faults")

    given = answer.headers["x-request-id"]
    assert len(given) == 16
    assert [line["request"] for line in lines] == [given, given]


@pytest.mark.anyio
@pytest.mark.parametrize("forged", ["a b", "x" * 65, 'a"level":1', ""])
async def test_an_id_that_could_forge_a_log_line_is_replaced(tmp_path: Path, forged: str) -> None:
    async with running(tmp_path) as (client, _):
        answer = await client.get("/openapi.json", headers={"X-Request-ID": forged})

    assert answer.headers["x-request-id"] not in ("", forged)


@pytest.mark.anyio
async def test_requests_are_counted_by_the_template_of_their_route(tmp_path: Path) -> None:
    def count(route: str, status: str) -> float:
        labels = {"method": "GET", "route": f"/api/v1{route}", "status": status}
        return REGISTRY.get_sample_value("studyhub_http_requests_total", labels) or 0.0

    before = count("/tests/refusals/{kind}", "404"), count("/*", "404")
    async with running(tmp_path, router) as (client, _):
        await client.get("/tests/refusals/missing")
        await client.get("/no/such/route")

    assert (count("/tests/refusals/{kind}", "404"), count("/*", "404")) == (before[0] + 1, before[1] + 1)


@pytest.mark.anyio
async def test_who_calls_is_asked_of_the_authenticator(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        ada = await client.get("/tests/callers", headers=bearer("ada"))
        nobody = await client.get("/tests/callers")
        forged = await client.get("/tests/callers", headers=bearer("bad"))

    assert (ada.json(), nobody.json()) == ("ada", "")
    assert (forged.status_code, forged.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.anyio
async def test_the_document_is_openapi_3_1_and_names_every_rule(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, _):
        document = (await client.get("/openapi.json")).json()

    assert document["openapi"].startswith("3.1.")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation["x-rule"] for operation in operations)
    assert document["paths"]["/token"]["post"]["responses"]["4XX"]["content"].keys() == {
        "application/problem+json"
    }


@pytest.mark.anyio
async def test_no_cache_keeps_an_answer_and_browsers_keep_to_tls_once_they_met_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (client, _):
        plain = await client.get("/openapi.json")
        secure = await client.get("https://testserver/api/v1/openapi.json")

    assert plain.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in plain.headers
    assert secure.headers["strict-transport-security"].startswith("max-age=")
