"""Roles of owned materials at the socket: who gets in, and what a change of access does to open sessions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from collab.auth.grants import Role
from collab.protocol import ywebsocket
from collab.sharing.links import ShareLinks
from collab.sharing.moderation import Moderation
from collab.sharing.notices import Change
from collab.sharing.shares import Shares
from collab.sharing.trash import Trash
from storage.catalog import tables
from storage.catalog.shares import Group, GroupMember, Kind, Scope, Share
from storage.clock import unix_milliseconds
from tests.collab.live import shows, text, write
from tests.collab.sharing.nodes import MATERIAL, OWNER, SECRET, Nodes, nodes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with nodes(tmp_path) as made:
        yield made


async def shares_of(world: Nodes, node: str = "a") -> Shares:
    return Shares(world.catalog, (await world.node(node)).hub.notices)


async def moderation_of(world: Nodes, node: str = "a") -> Moderation:
    return Moderation(world.catalog, (await world.node(node)).hub.notices)


async def test_the_owner_writes_and_whoever_has_no_role_is_as_if_nothing_were_there(world: Nodes) -> None:
    node = await world.node()
    async with node.session(OWNER) as owner:
        assert owner.roles == ["owner"]
        await write(owner, "hello")
        await owner.until_saved()

    assert await node.refused("eve") == await node.refused("eve", "absent") == 4403
    assert await node.refused("eve", grants={MATERIAL: "editor"}) == 4403, "an owner's roles alone count"


async def test_a_material_without_an_owner_keeps_what_tokens_grant(world: Nodes) -> None:
    node = await world.node()
    claims = {"grants": {"free": "editor"}, "create": True}
    async with node.session("guest:1", "free", claims=claims) as guest:
        await write(guest, "hello")
        await guest.until_saved()
        assert guest.roles == ["editor"]
    assert await node.refused("guest:1", "free") == 4403


@pytest.mark.parametrize(
    ("way", "role"),
    [
        ("person", Role.EDITOR),
        ("person", Role.VIEWER),
        ("group", Role.EDITOR),
        ("group", Role.VIEWER),
        ("tab", Role.COMMENTER),
        ("link", Role.EDITOR),
        ("link", Role.COMMENTER),
        ("tab link", Role.VIEWER),
    ],
)
async def test_a_role_is_the_same_whichever_way_it_comes(world: Nodes, way: str, role: Role) -> None:
    node, claims = await world.node(), {}
    if way == "person":
        await world.share("bob", role)
    elif way == "tab":
        await world.share("bob", role, scope=Scope.TAB, target="t")
    elif way == "group":
        await world.catalog.groups.add(Group("g", OWNER, "7b", None, 1))
        await world.catalog.groups.join("g", GroupMember("bob", 1, "Bob"))
        given = Share("s", Scope.MATERIAL, MATERIAL, Kind.GROUP, "g", role.value, 1, OWNER)
        await world.catalog.sharing.give(given)
    else:
        scope, target = (Scope.TAB, "t") if way == "tab link" else (Scope.MATERIAL, MATERIAL)
        links = ShareLinks(world.catalog, node.hub.notices, node.app.state.door.capabilities)
        claims["link"] = (await links.make(scope, target, role, by=OWNER)).id

    async with node.session("bob", claims=claims) as bob:
        assert bob.roles == [role.value]


async def test_a_taker_gets_no_document_also_when_it_was_more_before(world: Nodes) -> None:
    """A test's document holds its answers."""
    node, shares = await world.node(), await shares_of(world)
    await world.share("cid", Role.TAKER)
    assert await node.refused("cid") == 4403
    assert await node.refused("dan", "free", grants={"free": "taker"}) == 4403
    await world.share("bob", Role.VIEWER)
    async with node.session("bob") as bob:
        await shares.give(Scope.MATERIAL, MATERIAL, Kind.USER, "bob", Role.TAKER, by=OWNER)
        await bob.ends(4403)


async def test_a_changed_role_reaches_an_open_session_and_what_was_refused_is_taken_later(
    world: Nodes,
) -> None:
    node, shares = await world.node(), await shares_of(world)
    await world.share("bob", Role.EDITOR)
    async with node.session("bob") as bob, node.session(OWNER) as owner:
        await write(bob, "one ")
        await bob.until_saved()

        await shares.give(Scope.MATERIAL, MATERIAL, Kind.USER, "bob", Role.VIEWER, by=OWNER)
        await bob.is_now("viewer")
        await write(bob, "two ")
        await bob.until(lambda: bool(bob.errors))
        await write(owner, "three ")
        await bob.until(shows(bob, "three"))
        assert "two" not in text(owner)

        await shares.give(Scope.MATERIAL, MATERIAL, Kind.USER, "bob", Role.EDITOR, by=OWNER)
        await bob.is_now("editor")
        await owner.until(shows(owner, "two"))
        await bob.until_saved()


async def test_a_plain_client_whose_role_changes_comes_back_as_what_it_is(world: Nodes) -> None:
    node, shares = await world.node(), await shares_of(world)
    await world.share("bob", Role.EDITOR)
    async with node.session("bob", plain=True, retries=True) as bob, node.session(OWNER) as owner:
        await shares.give(Scope.MATERIAL, MATERIAL, Kind.USER, "bob", Role.VIEWER, by=OWNER)
        await bob.ends(4501)
        await bob.until(lambda: bob.connections == 2 and bob.synced)
        await write(bob, "unseen")
        await bob.resync()
        await write(owner, "seen")
        await bob.until(shows(bob, "seen"))
        assert "unseen" not in text(owner)


Cut = Callable[[Nodes], Awaitable[object]]


async def _take(world: Nodes) -> None:
    share = await world.catalog.sharing.share("material-m-bob")
    assert share is not None
    await (await shares_of(world)).take(share, by=OWNER)


async def _remove(world: Nodes) -> None:
    await (await moderation_of(world)).remove(Scope.MATERIAL, MATERIAL, "bob", by=OWNER)


async def _block(world: Nodes) -> None:
    await (await moderation_of(world)).block(Scope.MATERIAL, MATERIAL, "bob", by=OWNER)


async def _block_from_tab(world: Nodes) -> None:
    await (await moderation_of(world)).block(Scope.TAB, "t", "bob", by=OWNER)


async def _trash(world: Nodes) -> None:
    hub = (await world.node()).hub
    await Trash(world.catalog, hub._log, hub._objects, hub.notices).throw(Scope.TAB, "t", by=OWNER)


async def _close_account(world: Nodes) -> None:
    async with world.catalog._database.write("test") as connection:
        row = {"id": "bob", "name": "Bob", "email_verified": False, "totp_confirmed": False, "totp_step": 0}
        row |= {"tier": "free", "guest": False, "disabled": True, "created": 1}
        await connection.execute(insert(tables.users).values(row))
    (await world.node()).hub.notices.tell(Change.SUBJECT, "bob")


@pytest.mark.parametrize("cut", [_take, _remove, _block, _block_from_tab, _trash, _close_account])
@pytest.mark.parametrize("plain", [False, True])
async def test_who_loses_access_is_cut_on_all_nodes_and_does_not_come_back(
    world: Nodes, cut: Cut, plain: bool
) -> None:
    here, there = await world.node("a"), await world.node("b")
    await world.share("bob", Role.EDITOR)
    async with here.session("bob", plain=plain) as bob, there.session("bob", plain=plain) as again:
        await write(bob, "hello")
        await again.until(shows(again, "hello"))

        await cut(world)

        await bob.ends(4403)
        await again.ends(4403)
    assert await here.refused("bob") == await there.refused("bob") == 4403


async def test_others_are_not_disturbed_when_somebody_is_cut(world: Nodes) -> None:
    here, there = await world.node("a"), await world.node("b")
    await world.share("bob", Role.EDITOR)
    await world.share("cid", Role.EDITOR)
    async with here.session("bob") as bob, there.session("cid") as cid, here.session(OWNER) as owner:
        await _block(world)
        await bob.ends(4403)
        await write(cid, "still here")
        await owner.until(shows(owner, "still here"))
        await cid.until_saved()
        assert cid.roles == ["editor"]
        assert owner.roles == ["owner"]
        assert cid.connections == owner.connections == 1


async def test_a_revoked_link_ends_the_sessions_that_rest_on_it_alone(world: Nodes) -> None:
    node = await world.node()
    links = ShareLinks(world.catalog, node.hub.notices, node.app.state.door.capabilities)
    link = await links.make(Scope.MATERIAL, MATERIAL, Role.EDITOR, by=OWNER)
    await world.share("bob", Role.VIEWER)
    claims = {"link": link.id}
    async with node.session("guest:1", claims=claims) as guest, node.session("bob", claims=claims) as bob:
        assert bob.roles == ["editor"]
        assert await links.revoke(link, by=OWNER)
        await guest.ends(4403)
        await bob.is_now("viewer")
    assert not await links.revoke(link, by=OWNER)


async def test_a_role_that_expires_ends_by_itself(world: Nodes) -> None:
    node = await world.node()
    await world.share("bob", Role.EDITOR, expires=unix_milliseconds() + 700)
    await world.share("bob", Role.VIEWER, scope=Scope.TAB, target="t")
    async with node.session("bob") as bob:
        await bob.is_now("viewer")
    await world.share("cid", Role.EDITOR, expires=unix_milliseconds() - 1)
    assert await node.refused("cid") == 4403


async def test_nobody_writes_into_a_frozen_material_until_it_is_thawed(world: Nodes) -> None:
    node, moderation = await world.node(), await moderation_of(world)
    await world.share("bob", Role.EDITOR)
    async with node.session("bob") as bob, node.session(OWNER) as owner:
        await moderation.freeze(MATERIAL, "an exam", by=OWNER)
        await bob.is_now("viewer")
        await owner.is_now("viewer")
        await write(bob, "later")
        await bob.until(lambda: bool(bob.errors))
        await moderation.freeze(MATERIAL, "", by=OWNER)
        await bob.is_now("editor")
        await owner.is_now("owner")
        await owner.until(shows(owner, "later"))


async def _sign_in(world: Nodes, login: str) -> None:
    async with world.catalog._database.write("test") as connection:
        row = {
            "id": login,
            "user": OWNER,
            "created": 1,
            "seen": 1,
            "expires": 2**60,
            "refresh": login.encode(),
        }
        row |= {"device": "", "shared_computer": False}
        await connection.execute(insert(tables.logins).values(row))


async def test_a_sign_out_cuts_the_sockets_of_that_login_alone(world: Nodes) -> None:
    here, there = await world.node("a"), await world.node("b")
    for login in ("laptop", "phone"):
        await _sign_in(world, login)
    laptop, phone = {"login": "laptop"}, {"login": "phone"}
    async with there.session(OWNER, claims=laptop) as gone, here.session(OWNER, claims=phone) as kept:
        async with world.catalog._database.write("test") as connection:
            ended = update(tables.logins).where(tables.logins.c.id == "laptop").values(revoked=5)
            await connection.execute(ended)
        here.hub.notices.tell(Change.LOGIN, "laptop")
        await gone.ends(4401)
        await write(kept, "still here")
        await kept.until_saved()
    assert await here.refused(OWNER, **laptop) == 4401


async def test_a_fresh_ticket_keeps_a_session_and_another_persons_ends_it(world: Nodes) -> None:
    node = await world.node()
    await world.share("bob", Role.EDITOR)
    async with node.session("bob") as bob:
        await bob.send_raw(_hello(node.token("bob", 1200)))
        await write(bob, "on I go")
        await bob.until_saved()
        await bob.send_raw(_hello(node.token(OWNER)))
        await bob.ends(4403)


async def test_an_empty_ticket_gives_nobody_anything(world: Nodes) -> None:
    node = await world.node()
    await world.share("bob", Role.VIEWER)
    async with node.session("bob") as bob:
        await bob.send_raw(_hello(""))
        await write(bob, "no")
        await bob.until(lambda: bool(bob.errors))
        assert bob.roles == ["viewer"]


async def test_a_platform_revokes_what_it_granted_and_newer_tokens_count_again(tmp_path: Path) -> None:
    async with nodes(tmp_path, auth="jwt", jwt_secret=SECRET) as world:
        here, there = await world.node("a"), await world.node("b")
        claims = {"grants": {"x": "editor"}, "create": True}
        async with (
            here.session("bob", "x", claims=claims) as bob,
            there.session("bob", "x", claims=claims) as again,
            there.session("cid", "x", claims=claims) as cid,
        ):
            await (await moderation_of(world, "a")).revoke("x", "bob", by="platform")
            await bob.ends(4403)
            await again.ends(4403)
            await write(cid, "still here")
            await cid.until_saved()
        assert await there.refused("bob", "x", **claims) == 4403
        await asyncio.sleep(1.0)  # tokens count time in seconds
        async with here.session("bob", "x", claims=claims) as bob:
            assert bob.roles == ["editor"]


async def test_what_a_token_grants_holds_while_the_catalogue_is_away_and_roles_are_not_guessed(
    world: Nodes,
) -> None:
    node = await world.node()
    claims = {"grants": {"free": "editor"}, "create": True}
    async with node.session(OWNER) as owner:
        await world.catalog.close()
        async with node.session("guest:1", "free", claims=claims) as guest:
            await write(guest, "hello")
            await guest.until_saved()
        assert await node.refused("bob") == 4503
        await write(owner, "hello")
        await owner.until_saved()


def _hello(ticket: str) -> bytes:
    return ywebsocket.control("hello", schema=1, ticket=ticket)
