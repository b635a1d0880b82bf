"""A request that is sent again acts once."""

import asyncio
from pathlib import Path
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Body

from collab.api.idempotency import IdempotentRoute
from collab.api.problems import Refused
from collab.api.rules import Who, requires
from tests.collab.api.running import bearer, running


class Counter:
    """A route that counts how often it acts. `gate` holds it up until it is set."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.router = APIRouter(prefix="/tests", route_class=IdempotentRoute)
        self.router.post("/counts", status_code=201, dependencies=[requires(Who.ANYBODY)])(self.add)

    async def add(self, body: Annotated[int, Body()]) -> dict[str, int]:
        self.entered.set()
        await self.gate.wait()
        if self.fails:
            raise Refused(409, "it is taken", "taken")
        self.count += body
        return {"count": self.count}


async def post(
    client: httpx2.AsyncClient, body: int = 1, key: str = "k", token: str = "ada"
) -> httpx2.Response:
    headers = {**(bearer(token) if token else {}), "Idempotency-Key": key}
    return await client.post("/tests/counts", json=body, headers=headers)


@pytest.mark.anyio
async def test_the_same_request_is_answered_again_without_acting(tmp_path: Path) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router) as (client, _):
        first, second = await post(client), await post(client)

    assert counter.count == 1
    assert (second.status_code, second.json()) == (first.status_code, first.json()) == (201, {"count": 1})
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


@pytest.mark.anyio
async def test_another_body_under_the_same_key_is_refused(tmp_path: Path) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router) as (client, _):
        await post(client)
        other = await post(client, body=2)

    assert (other.status_code, other.json()["type"]) == (422, "about:blank#idempotency_mismatch")
    assert counter.count == 1


@pytest.mark.anyio
async def test_keys_belong_to_their_caller(tmp_path: Path) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router) as (client, _):
        await post(client)
        other = await post(client, token="guest:ben")
        nobody = await post(client, token="")

    assert (other.json(), counter.count) == ({"count": 2}, 2)
    assert nobody.status_code == 401


@pytest.mark.anyio
async def test_while_the_first_request_runs_the_second_is_told_so(tmp_path: Path) -> None:
    counter = Counter()
    counter.gate.clear()
    async with running(tmp_path, counter.router) as (client, _):
        first = asyncio.create_task(post(client))
        await counter.entered.wait()
        second = await post(client)
        counter.gate.set()

        assert (await first).status_code == 201
    assert (second.status_code, counter.count) == (409, 1)


@pytest.mark.anyio
async def test_after_an_error_the_same_key_may_try_again(tmp_path: Path) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router) as (client, _):
        counter.fails = True
        failed = await post(client)
        counter.fails = False
        again = await post(client)

    assert (failed.status_code, again.status_code, counter.count) == (409, 201, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_out_of_bounds_is_refused(tmp_path: Path, key: str) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router) as (client, _):
        answer = await post(client, key=key)

    assert (answer.status_code, counter.count) == (400, 0)


@pytest.mark.anyio
async def test_an_answer_that_is_given_again_counts_as_a_request(tmp_path: Path) -> None:
    counter = Counter()
    async with running(tmp_path, counter.router, requests_per_hour=2) as (client, _):
        answers = [await post(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
