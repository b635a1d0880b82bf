"""How many requests an account, a guest or an address may send."""

from pathlib import Path

import pytest

from collab.api.dependencies import Person
from collab.api.quotas import Quotas
from collab.settings import Settings
from tests.collab.api.running import bearer, running

HOUR = 3600


def quotas() -> Quotas:
    return Quotas(Settings(requests_per_hour=2, premium_requests_per_hour=3))


def test_a_share_is_spent_and_comes_back_with_the_hour() -> None:
    counted, ada = quotas(), Person("ada")
    left = [counted.spend(ada, now)[1] for now in (HOUR, HOUR + 1, HOUR + 2, 2 * HOUR)]

    assert left == [1, 0, -1, 1]
    assert counted.spend(ada, 2 * HOUR + 60) == (2, 0, HOUR - 60)


def test_each_has_its_own_share_and_premium_a_larger_one() -> None:
    counted = quotas()
    for _ in range(3):
        counted.spend(Person("ada"), HOUR)

    assert counted.spend(Person("ben"), HOUR)[:2] == (2, 1)
    assert counted.spend(Person("cem", tier="premium"), HOUR)[:2] == (3, 2)


@pytest.mark.anyio
async def test_the_answer_tells_what_is_left_and_when_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_hour=1) as (client, _):
        first = await client.get("/openapi.json", headers=bearer("ada"))
        second = await client.get("/openapi.json", headers=bearer("ada"))
        other = await client.get("/openapi.json", headers=bearer("ben"))

    assert (first.status_code, second.status_code, other.status_code) == (200, 429, 200)
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("1", "0")
    assert 0 < int(first.headers["ratelimit-reset"]) <= HOUR
    assert second.headers["ratelimit-remaining"] == "0"
    assert 0 < int(second.headers["retry-after"]) <= HOUR
    assert second.json()["type"] == "about:blank#requests"


@pytest.mark.anyio
async def test_zero_is_no_limit(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_hour=0, requests_per_minute=0) as (client, _):
        answers = [await client.get("/openapi.json", headers=bearer("ada")) for _ in range(3)]
        answers += [await client.get("/openapi.json") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit-limit" not in answers[0].headers


@pytest.mark.anyio
async def test_an_address_counts_only_where_nobody_says_who_it_is(tmp_path: Path) -> None:
    """A school is one address: whoever has signed in is not held up by the others behind it."""
    async with running(tmp_path, requests_per_minute=2) as (client, _):
        unknown = [(await client.get("/openapi.json")).status_code for _ in range(3)]
        known = await client.get("/openapi.json", headers=bearer("ada"))

    assert unknown == [200, 200, 429]
    assert known.status_code == 200
