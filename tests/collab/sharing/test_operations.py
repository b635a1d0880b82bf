"""Typed operations over the socket."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map

from collab.auth.grants import Grant, Role
from collab.connection import Connection
from collab.participant import Participant
from collab.protocol import ywebsocket
from tests.collab.live import shows, write
from tests.collab.sharing.nodes import MATERIAL, OWNER, Nodes, Session, nodes

pytestmark = pytest.mark.anyio

COMMENT = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with nodes(tmp_path) as made:
        room = await (await made.node()).hub.open(MATERIAL)
        async with await Participant.join(room, Grant("server", "", Role.OWNER)) as server:
            with server.edit() as doc:
                doc.get("meta", type=Map)["kind"] = "guide"
            await server.saved()
        await made.share("bob", Role.COMMENTER)
        yield made


async def operate(session: Session, operation: Any, id: int) -> dict[str, Any]:
    """The answer to an operation."""
    await session.send_raw(ywebsocket.control("operation", id=id, operation=operation))
    await session.until(lambda: session.controls[-1].get("id") == id)
    return session.controls[-1]


def threads(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = session.doc.get("comments", type=Map).to_py() or {}
    return found


async def test_a_commenter_comments_replies_and_resolves_over_its_socket(world: Nodes) -> None:
    node = await world.node()
    async with node.session("bob") as bob, node.session(OWNER) as ann:
        done = await operate(bob, COMMENT, 1)
        assert done["type"] == "done"
        thread = done["thread"]
        await ann.until(lambda: thread in threads(ann))
        reply = await operate(ann, {"op": "reply", "thread": thread, "body": "Yes"}, 1)
        await operate(bob, {"op": "resolve", "thread": thread}, 2)
        await ann.until(lambda: threads(ann)[thread]["status"] == "resolved")
        assert threads(ann)[thread]["createdBy"] == "bob"
        assert threads(ann)[thread]["replies"][reply["reply"]]["user"] == OWNER
        assert bob.connections == 1


async def test_who_may_not_comment_is_refused_and_goes_on(world: Nodes) -> None:
    node = await world.node()
    await world.share("eve", Role.VIEWER)
    async with node.session("eve") as eve, node.session(OWNER) as ann:
        assert await operate(eve, COMMENT, 1) == {
            "type": "failed",
            "id": 1,
            "code": 4403,
            "reason": "your role does not allow this",
        }
        assert (await operate(eve, {"op": "write"}, 2))["code"] == 4400
        await write(ann, "hello")
        await eve.until(shows(eve, "hello"))
        assert threads(eve) == {}


async def test_operations_of_one_client_are_carried_out_in_order_with_its_edits(world: Nodes) -> None:
    node = await world.node()
    async with node.session(OWNER) as ann:
        for id in range(3):
            await ann.send_raw(ywebsocket.control("operation", id=id, operation=COMMENT | {"body": str(id)}))
            await write(ann, f"{id} ")
        await ann.until(lambda: ann.controls[-1].get("id") == 2 or ann.unsaved == 0)
        await ann.until_saved()
        answers = [control["id"] for control in ann.controls if control["type"] == "done"]
        assert answers == [0, 1, 2]


async def test_a_plain_client_has_no_operations(world: Nodes) -> None:
    node = await world.node()
    async with node.session("bob", plain=True) as bob:
        await bob.send_raw(ywebsocket.control("operation", id=1, operation=COMMENT))
        await bob.resync()
        assert threads(bob) == {}
        assert bob.controls == []


async def test_the_next_operation_waits_by_the_size_of_the_document(world: Nodes) -> None:
    """Each one copies the document, which holds everybody up."""
    node = await world.node()
    async with node.session(OWNER) as ann:
        await write(ann, "x" * 100_000)
        await ann.until_saved()
        (connection,) = node.hub.rooms[MATERIAL].members
        assert isinstance(connection, Connection)
        await operate(ann, COMMENT, 1)
        first = connection._next_operation
        await operate(ann, COMMENT, 2)
        assert connection._next_operation >= first + 100_000 / (1 << 20)
