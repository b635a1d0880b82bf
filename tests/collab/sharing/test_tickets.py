"""Tickets: one socket each, for a minute, on all nodes."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from collab.auth.grants import Role
from collab.errors import CloseCode, Rejected
from collab.protocol import ywebsocket
from collab.sharing import tickets as tickets_module
from collab.sharing.shares import Shares
from collab.sharing.tickets import Bound, Tickets
from storage.catalog.shares import Kind, Scope
from storage.errors import Unavailable
from tests.collab.live import write
from tests.collab.sharing.nodes import MATERIAL, OWNER, SECRET, Node, Nodes, Session, nodes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with nodes(tmp_path) as made:
        await made.share("bob", Role.EDITOR)
        yield made


def tickets(node: Node) -> Tickets:
    assert node.hub.tickets is not None
    return node.hub.tickets


def ticket(
    node: Node, subject: str = "bob", material: str = MATERIAL, role: Role | None = None, seconds: float = 600
) -> str:
    bound = Bound(subject, subject, "", "", role, time.time() + seconds)
    return tickets(node).make(material, bound)


async def refused(node: Node, carried: str, material: str = MATERIAL) -> int:
    """The code with which a session that brings this is turned away."""
    client = Session(node.url, material, ticket=carried)
    with pytest.raises(ConnectionError):
        await client.connect()
    await client.kill()
    return client.close_code


async def test_a_ticket_opens_one_socket_on_whatever_node(world: Nodes) -> None:
    here, there = await world.node("a"), await world.node("b")
    one = ticket(here)
    async with there.session("bob", token=one) as bob:
        assert bob.roles == ["editor"]
        await write(bob, "x")
        await bob.until_saved()
        assert await refused(here, one) == await refused(there, one) == 4401


async def test_a_ticket_is_good_for_its_material_and_its_minute(
    world: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await world.node()
    assert await refused(node, ticket(node, material="other")) == 4401
    assert await refused(node, ticket(node, seconds=-1)) == 4401
    assert await refused(node, ticket(node) + "x") == 4401
    assert await refused(node, "ticket." + node.token("bob")) == 4401, "a token is no ticket"
    monkeypatch.setattr(tickets_module, "SECONDS", -1)
    assert await refused(node, ticket(node)) == 4401


async def test_a_session_lasts_longer_than_its_ticket_and_roles_are_looked_up(world: Nodes) -> None:
    node = await world.node()
    bearer = tickets(node).read(ticket(node), MATERIAL)
    assert bearer.expires is not None
    assert bearer.expires > time.time() + tickets_module.SECONDS
    assert bearer.granted is None
    async with node.session("bob", token=ticket(node)) as bob:
        shares = Shares(world.catalog, node.hub.notices)
        await shares.give(Scope.MATERIAL, MATERIAL, Kind.USER, "bob", Role.VIEWER, by=OWNER)
        await bob.is_now("viewer")
    assert await refused(node, ticket(node, "eve")) == 4403


async def test_a_ticket_in_band_renews_a_session_and_stays_unused(world: Nodes) -> None:
    node = await world.node()
    fresh = ticket(node)
    async with node.session("bob", token=ticket(node)) as bob:
        await bob.send_raw(ywebsocket.control("hello", schema=1, ticket=fresh))
        await write(bob, "on")
        await bob.until_saved()
        async with node.session("bob", token=fresh) as again:
            assert again.roles == ["editor"]
        await bob.send_raw(ywebsocket.control("hello", schema=1, ticket=ticket(node, OWNER)))
        await bob.ends(4403)


async def test_a_plain_client_brings_no_ticket(world: Nodes) -> None:
    node = await world.node()
    async with connect(f"{node.url}/{MATERIAL}?token={ticket(node)}", proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401


async def test_without_the_catalogue_no_ticket_is_taken(
    world: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable("claim", "catalogue")

    node = await world.node()
    one = ticket(node)
    monkeypatch.setattr(world.catalog.idempotency, "claim", fail)
    with pytest.raises(Rejected) as error:
        await tickets(node).use(one, MATERIAL)
    assert error.value.code is CloseCode.UNAVAILABLE


async def ask(node: Node, token: str, material: str) -> httpx2.Response:
    """The answer to who asks for a ticket with `token`."""
    url = node.url.replace("ws://", "http://").removesuffix("/collab")
    async with httpx2.AsyncClient(base_url=f"{url}/api/v1") as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await client.post("/socket-tickets", json={"material": material}, headers=headers)


async def test_tickets_are_given_to_who_has_a_role(world: Nodes) -> None:
    node = await world.node()
    given = await ask(node, node.token("bob"), MATERIAL)
    assert given.status_code == 201
    assert (given.json()["role"], given.json()["seconds"]) == ("editor", 60)
    async with node.session("bob", token=given.json()["ticket"]) as bob:
        assert bob.roles == ["editor"]
    assert (await ask(node, node.token("eve"), MATERIAL)).status_code == 404
    assert (await ask(node, node.token("bob"), "absent")).status_code == 404
    assert (await ask(node, "", MATERIAL)).status_code == 401


async def test_a_material_without_an_owner_has_tickets_for_what_a_token_grants(world: Nodes) -> None:
    node = await world.node()
    token = node.token("guest:1", 300, grants={"free": "editor", MATERIAL: "owner"})
    await node.hub.open("free", create=True)
    given = (await ask(node, token, "free")).json()
    bearer = tickets(node).read(given["ticket"], "free")
    assert bearer.expires is not None
    assert bearer.expires <= time.time() + 300, "no longer than the token"
    async with node.session("guest:1", "free", token=given["ticket"]) as guest:
        await write(guest, "x")
        await guest.until_saved()

    other = (await ask(node, token, MATERIAL)).json()
    assert await refused(node, other["ticket"]) == 4403, "an owner's roles alone count"
    guest_token = node.app.state.door.guests.know(None, "Kim")[1]
    assert (await ask(node, guest_token, "free")).status_code == 404


async def test_a_platform_has_its_own_tokens(tmp_path: Path) -> None:
    async with nodes(tmp_path, auth="jwt", jwt_secret=SECRET) as made:
        node = await made.node()
        assert node.hub.tickets is None
        token = node.token("bob", grants={MATERIAL: "editor"})
        assert (await ask(node, token, MATERIAL)).status_code == 404
