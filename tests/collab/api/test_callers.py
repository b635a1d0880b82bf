"""Who calls, as each kind of token says."""

from pathlib import Path

import pytest

from tests.collab.api.people import make_world
from tests.collab.api.running import bearer, running


@pytest.mark.anyio
async def test_who_came_by_a_link_has_its_role_over_http_too(tmp_path: Path) -> None:
    async with running(tmp_path, named=False) as (client, app):
        world = await make_world(app)
        address = f"/materials/{world.ids['material']}"
        owner = bearer(world.tokens["owner"])
        link = (await client.post(f"{address}/share-links", json={"role": "viewer"}, headers=owner)).json()
        body = {"id": world.ids["material"], "k": link["path"].partition("#k=")[2]}
        guest = bearer((await client.post("/token", json=body)).json()["token"])
        before = await client.get(address, headers=guest)
        await client.delete(f"{address}/share-links/{link['id']}", headers=owner)
        after = await client.get(address, headers=guest)

    assert (before.status_code, before.json()["role"]) == (200, "viewer")
    assert after.status_code == 404


@pytest.mark.anyio
async def test_a_signed_out_device_is_nobody(tmp_path: Path) -> None:
    async with running(tmp_path, named=False) as (client, app):
        owner = bearer((await make_world(app)).tokens["owner"])
        before = await client.get("/tabs", headers=owner)
        await client.delete("/sessions/current", headers=owner)
        after = await client.get("/tabs", headers=owner)

    assert (before.status_code, after.status_code) == (200, 401)
