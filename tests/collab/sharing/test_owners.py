"""Owners of client ids that outlive connections: over real sockets, on one node and on two."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from pycrdt import Doc, Text

from collab.auth.grants import Role
from collab.ownership import Ownership
from collab.protocol import ywebsocket
from collab.protocol.lib0 import uint, write_bytes
from collab.sharing.owners import Owners
from storage.catalog.catalog import Catalog
from storage.errors import Unavailable
from storage.local_bus import LocalBus
from tests.collab.live import shows, text, write
from tests.collab.sharing.nodes import MATERIAL, OWNER, Node, Nodes, Session, nodes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with nodes(tmp_path) as made:
        await made.share("bob", Role.EDITOR)
        yield made


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def is_owned(world: Nodes, session: Session, owner: str) -> None:
    """Return when the catalogue says so."""

    async def owned() -> bool:
        owners = await world.catalog.client_ids.owners(MATERIAL)
        return owners.get(session.doc.client_id) == owner

    await eventually(owned)


async def lose_everything(world: Nodes) -> None:
    """The log and all snapshots are gone; the catalogue is not."""
    hub = (await world.node()).hub
    hub._unload(hub.rooms[MATERIAL])
    await hub._snapshotter.finish(5)
    world._documents.clear()
    for name in await world._objects.list(""):
        await world._objects.delete(name)
    await hub.open(MATERIAL, create=True)


def as_broadcast(there: Session, here: Session) -> bytes:
    """What `there` has and `here` lacks, taken in by `here`, as between two tabs of one browser."""
    update: bytes = there.doc.get_update(here.doc.get_state())
    return update


async def type_offline(session: Session, words: str) -> None:
    session.doc.get("text", type=Text).insert(0, words)


async def test_who_writes_first_under_its_id_owns_it_in_the_catalogue(world: Nodes) -> None:
    node = await world.node()
    async with node.session("bob") as bob, node.session(OWNER) as ann:
        await bob.set_presence({})
        await write(bob, "hello")
        await ann.until(shows(ann, "hello"))
        await is_owned(world, bob, "bob")
        assert await world.catalog.client_ids.owners("other") == {}


async def test_a_relays_what_b_wrote_before_the_log_was_emptied_and_both_can_save(world: Nodes) -> None:
    """Ann got Bob's last words from his browser's other tab, nobody else did; Bob comes back with more."""
    node = await world.node()
    async with node.session("bob") as bob, node.session(OWNER) as ann:
        for session in (bob, ann):
            await session.set_presence({})
        await write(bob, "seen ")
        await ann.until(shows(ann, "seen"))
        await is_owned(world, bob, "bob")
        await bob.close()
        await type_offline(bob, "untold ")
        ann.doc.apply_update(as_broadcast(bob, ann))
        await ann.close()
        await type_offline(bob, "later ")

        await lose_everything(world)
        await ann.connect()
        await ann.until(lambda: ann.saved > 0)
        await write(ann, "mine ")
        await ann.until_saved()
        assert "untold seen" in text(ann), "an honest relay is taken while the owner is away"

        await bob.connect()
        await bob.set_presence({})
        await write(bob, "again ")
        await write(ann, "on ")
        await bob.until_saved()
        await ann.until_saved()
        await ann.until(lambda: text(ann) == text(bob))
        for words in ("later ", "untold ", "seen ", "mine ", "again ", "on "):
            assert text(ann).count(words) == 1
        assert ann.connections == 2, "nobody was sent away"
        await is_owned(world, bob, "bob")


async def test_two_tabs_of_two_accounts_in_one_browser_pass_on_each_others_words(world: Nodes) -> None:
    node = await world.node()
    async with node.session("bob") as bob, node.session(OWNER) as ann:
        for session in (bob, ann):
            await session.set_presence({})
        await ann.until(lambda: bob.doc.client_id in ann.others)
        await bob.until(lambda: ann.doc.client_id in bob.others)
        for round in range(5):
            await type_offline(bob, f"b{round} ")
            await ann.send_update(as_broadcast(bob, ann))
            await type_offline(ann, f"a{round} ")
            await bob.send_update(as_broadcast(ann, bob))
        for session in (bob, ann):
            await session._answer(b"\0")  # each brings its own words, too
        await bob.until_saved()
        await ann.until_saved()
        await ann.until(lambda: text(ann) == text(bob))
        assert all(text(ann).count(f"{who}{round} ") == 1 for who in "ab" for round in range(5))
        await is_owned(world, bob, "bob")
        await is_owned(world, ann, OWNER)


async def test_nobody_writes_under_the_id_of_one_who_is_here(world: Nodes) -> None:
    here, there = await world.node("a"), await world.node("b")
    async with here.session("bob") as bob, there.session(OWNER) as ann:
        await bob.set_presence({})
        await write(bob, "x")
        await ann.until(shows(ann, "x"))
        await ann.until(lambda: bob.doc.client_id in ann.others)
        await ann.send_raw(forged(bob))
        await ann.resync()
        await write(bob, "y")
        await bob.until_saved()
        await ann.until(shows(ann, "y"))
        assert "forged" not in text(bob)


def forged(victim: Session) -> bytes:
    """A frame with an edit under the victim's client id."""
    copy: Doc[Any] = Doc(client_id=victim.doc.client_id)
    copy.apply_update(victim.doc.get_update())
    before = copy.get_state()
    words = copy.get("text", type=Text)
    words += "forged"
    return ywebsocket.update(copy.get_update(before))


def shown_under(client: int, clock: int = 1) -> bytes:
    """A frame with presence under this client id."""
    payload = bytearray(uint(1) + uint(client) + uint(clock))
    write_bytes(payload, b"{}")
    return ywebsocket.awareness(bytes(payload))


async def knows(node: Node, client: int, owner: str) -> None:
    """Return when the room of this node knows the owner."""

    async def known() -> bool:
        return node.hub.rooms[MATERIAL].ownership._owners.get(client) == owner

    await eventually(known)


@pytest.mark.parametrize("where", ["a", "b"])
async def test_who_shows_the_id_of_another_is_told_to_take_a_new_one_and_is_not_shown(
    world: Nodes, where: str
) -> None:
    """Somebody signs in as somebody else, and the page keeps its document; the other node has heard of it."""
    node, other = await world.node("a"), await world.node(where)
    await world.share("cid", Role.VIEWER)
    async with other.session("cid") as watcher:
        async with node.session("bob") as bob:
            await bob.set_presence({})
            await write(bob, "x")
            client = bob.doc.client_id
            await knows(other, client, "bob")
            await is_owned(world, bob, "bob")
        await watcher.until(lambda: client not in watcher.others)

        async with other.session(OWNER) as ann:
            await ann.send_raw(shown_under(client))
            await ann.until(lambda: ann.controls[-1]["type"] == "client_id")
            assert ann.controls[-1]["client"] == client
            await ann.send_raw(shown_under(4711))
            await watcher.until(lambda: 4711 in watcher.others)
            assert client not in watcher.others


async def test_owners_are_read_when_a_document_is_opened(world: Nodes) -> None:
    await world.catalog.client_ids.claim(MATERIAL, {4711: "bob"}, 1)
    hub = (await world.node()).hub
    hub._unload(hub.rooms[MATERIAL])
    await hub.open(MATERIAL)
    await knows(await world.node(), 4711, "bob")


class Away:
    """A catalogue that does not answer for a while."""

    def __init__(self, catalog: Catalog) -> None:
        self._inner = catalog.client_ids
        self.client_ids = self
        self.is_away = True

    async def owners(self, material: str) -> dict[int, str]:
        self._check()
        return await self._inner.owners(material)

    async def claim(self, material: str, owners: dict[int, str], now: int) -> dict[int, str]:
        self._check()
        return await self._inner.claim(material, owners, now)

    def _check(self) -> None:
        if self.is_away:
            raise Unavailable("read client ids", "catalogue")


async def test_claims_wait_while_the_catalogue_is_away(world: Nodes) -> None:
    away = Away(world.catalog)
    owners = Owners(cast("Catalog", away), LocalBus())
    await world.catalog.client_ids.claim("n", {1: "zoe"}, 1)
    first, second = Ownership(cast("Any", None), {}), Ownership(cast("Any", None), {})
    owners.opened("n", first)
    await asyncio.sleep(0)
    first.claims |= {1: "ann", 2: "ann"}
    owners.closed("n", first)
    owners.opened("n", second)
    second.claims |= {3: "ben"}
    owners.attend("n", second)
    await owners.finish(1)
    assert (first.claims, second.claims) == ({}, {})

    away.is_away = False
    await owners.finish(1)
    assert await world.catalog.client_ids.owners("n") == {1: "zoe", 2: "ann", 3: "ben"}
    assert second._owners == {1: "zoe", 2: "ann", 3: "ben"}


async def test_without_a_catalogue_claims_go_nowhere() -> None:
    owners, ownership = Owners(None, LocalBus()), Ownership(cast("Any", None), {})
    owners.opened("m", ownership)
    ownership.claims |= {1: "ann"}
    owners.attend("m", ownership)
    assert ownership.claims == {}
    await owners.finish(1)
