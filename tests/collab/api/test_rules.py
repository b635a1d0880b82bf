"""The rule of a route decides before the route does."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from collab.api.dependencies import Principal
from collab.api.problems import Missing
from collab.api.rules import Who, requires
from tests.collab.api.running import bearer, running


class Action(StrEnum):
    READ = "read"


class OnlyAda:
    """Authority in whose eyes Ada may do everything on the tab `t`, and others know of nothing."""

    async def check(self, principal: Principal, action: str, path: Mapping[str, Any]) -> None:
        if (principal.id, action, path) != ("ada", Action.READ, {"tab": "t"}):
            raise Missing


def router() -> APIRouter:
    made = APIRouter(prefix="/tests")
    for who in Who:
        made.get(f"/{who}", dependencies=[requires(who)])(lambda: 1)
    made.get("/tabs/{tab}", dependencies=[requires(Action.READ)])(lambda tab: 1)
    return made


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        ("", {Who.ANYBODY: 200, Who.TOKEN: 200, Who.PERSON: 401, Who.ACCOUNT: 401}),
        ("guest:ben", {Who.ANYBODY: 200, Who.TOKEN: 200, Who.PERSON: 200, Who.ACCOUNT: 403}),
        ("ada", {Who.ANYBODY: 200, Who.TOKEN: 200, Who.PERSON: 200, Who.ACCOUNT: 200}),
        ("bad", {Who.ANYBODY: 401, Who.TOKEN: 401, Who.PERSON: 401, Who.ACCOUNT: 401}),
    ],
)
async def test_who_may_call(tmp_path: Path, caller: str, expected: dict[Who, int]) -> None:
    headers = bearer(caller) if caller else {}
    async with running(tmp_path, router()) as (client, _):
        found = {who: (await client.get(f"/tests/{who}", headers=headers)).status_code for who in Who}

    assert found == expected


@pytest.mark.anyio
async def test_denied_and_absent_look_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, router()) as (client, app):
        app.state.authority = OnlyAda()
        allowed = await client.get("/tests/tabs/t", headers=bearer("ada"))
        absent = await client.get("/tests/tabs/u", headers=bearer("ada"))
        denied = await client.get("/tests/tabs/t", headers=bearer("ben"))

    assert allowed.status_code == 200
    assert (absent.status_code, absent.content) == (denied.status_code, denied.content)
    assert absent.status_code == 404


@pytest.mark.anyio
async def test_without_an_authority_nothing_is_allowed(tmp_path: Path) -> None:
    async with running(tmp_path, router()) as (client, app):
        from collab.api.rules import NoAuthority

        app.state.authority = NoAuthority()
        answer = await client.get("/tests/tabs/t", headers=bearer("ada"))

    assert answer.status_code == 404
