"""Every kind of update, sent by those who may not write: the document stays, others go on undisturbed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from collab.auth.grants import Role
from collab.protocol import ywebsocket
from collab.sharing.moderation import Moderation
from collab.sharing.notices import Change
from storage.catalog.shares import Scope
from tests.collab.cluster import until
from tests.collab.edits import edit
from tests.collab.live import shows, text, write
from tests.collab.sharing.nodes import MATERIAL, OWNER, Node, Nodes, Session, nodes

pytestmark = pytest.mark.anyio

READERS = ("viewer", "commenter", "frozen")
CUT = ("revoked", "blocked", "expired", "taker")
HELD = b"\x01\x01\xe7\x07\x00\x04\x01\x04text\x05hello\x00"  # one insert of a client that nobody knows
AHEAD = b"\x01\x01\xe7\x07\x05\x84\xe7\x07\x04\x01x\x00"  # rests on what no one has


def cases(state: bytes, client: int) -> dict[str, bytes]:
    """Updates on top of `state` by name; `client` is another person's client id."""
    found = {"insert": HELD, "ahead": AHEAD, "everything": state, "nothing": b"\x00\x00"}
    found["deletions"] = _made(state, lambda doc: doc.get("text", type=Text).clear())
    found["foreign client"] = _made(state, lambda doc: doc.get("map", type=Map).update({"k": 1}), client)
    found["list"] = _made(state, lambda doc: doc.get("array", type=Array).append(1))
    random = Random(7)
    for number in range(40):
        found[f"random {number}"] = _made(state, lambda doc: edit(doc, random))
    return found


def _made(state: bytes, change: Any, client: int = 0) -> bytes:
    doc: Doc[Any] = Doc(client_id=client) if client else Doc()
    doc.apply_update(state)
    before = doc.get_state()
    with doc.transaction():
        change(doc)
    return doc.get_update(before)


def replayed(state: bytes, client: int) -> list[bytes]:
    """Each case as an update and as a step 2."""
    updates = cases(state, client).values()
    return [frame(update) for update in updates for frame in (ywebsocket.update, ywebsocket.step2)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with nodes(tmp_path) as made:
        for person, role in (("bob", Role.EDITOR), ("cid", Role.EDITOR)):
            await made.share(person, role)
        yield made


async def become(world: Nodes, kind: str) -> None:
    """Make Cid what the test is about; he has a session by then."""
    notices = (await world.node()).hub.notices
    moderation = Moderation(world.catalog, notices)
    if kind == "frozen":
        await moderation.freeze(MATERIAL, "an exam", by=OWNER)
    elif kind == "blocked":
        await moderation.block(Scope.MATERIAL, MATERIAL, "cid", by=OWNER)
    elif kind == "revoked":
        await moderation.remove(Scope.MATERIAL, MATERIAL, "cid", by=OWNER)
    elif kind == "expired":
        await world.share("cid", Role.EDITOR, expires=1)
        notices.tell(Change.MATERIAL, MATERIAL)
    else:
        await world.share("cid", Role(kind))
        notices.tell(Change.MATERIAL, MATERIAL)


def held(node: Node) -> tuple[bytes, bytes]:
    """State vector and content of the document."""
    room = node.hub.rooms[MATERIAL]
    return room.document.state_vector(), room.document.diff(b"\x00")


async def begin(world: Nodes, stack: AsyncExitStack, *, plain: bool) -> tuple[Node, Session, Session]:
    """A node, Bob, who has written something of everything, and Cid."""
    node = await world.node()
    bob = await stack.enter_async_context(node.session("bob"))
    await write(bob, "a text to delete 😀")
    random = Random(1)
    for _ in range(10):
        await bob.edit(lambda: edit(bob.doc, random))
    await bob.until_saved()
    return node, bob, await stack.enter_async_context(node.session("cid", plain=plain))


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("plain", [False, True])
async def test_a_reader_changes_nothing_and_stays(world: Nodes, kind: str, plain: bool) -> None:
    async with AsyncExitStack() as stack:
        node, bob, cid = await begin(world, stack, plain=plain)
        await become(world, kind)
        if plain:
            await cid.ends(4501)
            cid = await stack.enter_async_context(node.session("cid", plain=True))
        else:
            await cid.is_now("viewer" if kind == "frozen" else kind)
        before = held(node)

        for frame in replayed(bob.doc.get_update(), bob.doc.client_id):
            await cid.send_raw(frame)
        await cid.resync()

        assert held(node) == before
        assert cid.connected
        if kind != "frozen":
            await write(bob, "and on")
            await cid.until(shows(cid, "and on"))
            await bob.until_saved()
        assert bob.connections == 1


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("plain", [False, True])
async def test_who_was_cut_changes_nothing(world: Nodes, kind: str, plain: bool) -> None:
    """It sends on until it notices, and the server takes nothing of it from the moment it knows."""
    async with AsyncExitStack() as stack:
        node, bob, cid = await begin(world, stack, plain=plain)
        frames = replayed(bob.doc.get_update(), bob.doc.client_id)
        await become(world, kind)
        await until(lambda: _is_cut(node, "cid"))
        before = held(node)

        for frame in frames:
            await cid.send_raw(frame)

        await cid.ends(4403)
        assert held(node) == before
        await write(bob, "and on")
        await bob.until_saved()
        assert "and on" in text(bob)
        assert await node.refused("cid") == 4403


def _is_cut(node: Node, subject: str) -> bool:
    """Whether the node has closed, or is closing, the sessions of `subject`."""
    members = [member for member in node.hub.rooms[MATERIAL].members if member.author == subject]
    return all(getattr(member, "_closing", None) is not None for member in members)


async def test_the_same_updates_of_an_editor_change_the_document(world: Nodes) -> None:
    """The cases can tell: what readers may not do, an editor does with them."""
    async with AsyncExitStack() as stack:
        node, bob, cid = await begin(world, stack, plain=False)
        harmless = 0
        updates = cases(bob.doc.get_update(), 77)
        for update in updates.values():
            before = held(node)
            await cid.send_raw(ywebsocket.update(update))
            await cid.resync()
            harmless += held(node) == before

        assert harmless < len(updates) / 2
