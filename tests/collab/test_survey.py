"""Big documents open at once, and edits wait for the survey of what is in them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text
from starlette.websockets import WebSocketState

from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.connection import Connection
from collab.errors import CloseCode, Rejected
from collab.guard import CrashGuard
from collab.hub import BIG, Hub
from collab.participant import Participant
from collab.protocol import ywebsocket
from collab.room import Room
from collab.settings import Settings
from collab.updates import MAX_DEPTH, InvalidUpdate
from collab.workers import WorkerDied
from storage.base import ObjectStore
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.values import Cursor
from tests.collab.updates.craft import block, item, string, update

pytestmark = pytest.mark.anyio

EDITOR = Grant("u1", "Ann", Role.EDITOR)
BIG_STATE = update(block(7, 0, string("😀" + "a" * BIG)))


class HeldWorkers:
    """Does each job in this process once it is released, or fails with `error`."""

    pool = None

    def __init__(self, error: Exception | None = None) -> None:
        self.released = asyncio.Event()
        self.jobs = 0
        self._error = error

    async def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        self.jobs += 1
        await self.released.wait()
        if self._error:
            raise self._error
        return function(*arguments)


async def hub_with(state: bytes, workers: HeldWorkers, folder: Path) -> Hub:
    objects: ObjectStore = MemoryObjects()
    await Snapshots(objects).write("m", Cursor(0, 1), state, 0)
    return Hub(Settings(), Backends(MemoryLog(), objects), workers, CrashGuard(folder / "open"))  # type: ignore[arg-type]


async def test_a_big_document_is_shown_before_it_is_surveyed(tmp_path: Path) -> None:
    workers = HeldWorkers()
    hub = await hub_with(BIG_STATE, workers, tmp_path)
    room = await hub.open("m")
    assert (await read(room)).startswith("😀")
    waiting = asyncio.create_task(hub._surveys.until_done(room))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert room.document.index is None

    workers.released.set()
    await waiting
    assert room.document.index is not None
    with pytest.raises(InvalidUpdate, match="surrogate"):
        room.document.admit(update(block(8, 0, string("x", origin=(7, 0)))))


async def test_a_small_document_needs_no_worker(tmp_path: Path) -> None:
    workers = HeldWorkers()
    hub = await hub_with(update(block(7, 0, string("short"))), workers, tmp_path)
    room = await hub.open("m")

    assert room.document.index is not None
    assert workers.jobs == 0


async def test_a_participant_does_not_wait_for_the_worker(tmp_path: Path) -> None:
    workers = HeldWorkers()
    hub = await hub_with(BIG_STATE, workers, tmp_path)
    room = await hub.open("m")
    async with await Participant.join(room, EDITOR) as tutor:
        with tutor.edit() as doc:
            doc.get("text", type=Text).insert(0, "first ")
        await tutor.saved()
        index = room.document.index
        workers.released.set()
        await hub._surveys.until_done(room)

        assert room.document.index is index is not None


@pytest.mark.parametrize("error", [WorkerDied("survey"), InvalidUpdate("kind")])
async def test_a_document_that_cannot_be_surveyed_is_closed(tmp_path: Path, error: Exception) -> None:
    workers = HeldWorkers(error)
    hub = await hub_with(BIG_STATE, workers, tmp_path)
    room = await hub.open("m")
    member = await Participant.join(room, EDITOR)
    workers.released.set()
    with pytest.raises(Rejected) as refusal:
        await hub._surveys.until_done(room)

    assert refusal.value.code == CloseCode.UNAVAILABLE
    assert room.is_closed
    assert not hub.rooms
    with pytest.raises(Rejected) as gone:
        await member.saved()
    assert gone.value.code == CloseCode.UNAVAILABLE


async def test_a_small_document_that_cannot_be_surveyed_does_not_open(tmp_path: Path) -> None:
    inner = [item(7, b"\0", parent=(7, clock)) for clock in range(MAX_DEPTH)]
    too_deep = update(block(7, 0, item(7, b"\0", parent="list"), *inner))
    hub = await hub_with(too_deep, HeldWorkers(), tmp_path)
    with pytest.raises(Rejected) as refusal:
        await hub.open("m")

    assert refusal.value.code == CloseCode.UNAVAILABLE


async def test_edits_wait_for_the_survey_and_keep_their_order(tmp_path: Path) -> None:
    workers = HeldWorkers()
    hub = await hub_with(BIG_STATE, workers, tmp_path)
    room = await hub.open("m")
    socket = FakeSocket(room, hub)
    for clock in range(5):
        before = (8, clock - 1) if clock else (7, BIG + 1)
        socket.send(update(block(8, clock, string(str(clock), before))))
    await asyncio.sleep(0.01)
    assert 8 not in room.document.clocks

    workers.released.set()
    while room.document.clocks.get(8) != 5:
        await asyncio.sleep(0.001)
    assert (await read(room)).endswith("a01234")
    await socket.leave()


async def test_a_big_update_is_judged_by_what_the_document_holds(tmp_path: Path) -> None:
    """By a worker, while others go on: it splits an emoji, and only its sender goes."""
    workers = HeldWorkers()
    hub = await hub_with(update(block(7, 0, string("😀"))), workers, tmp_path)
    room = await hub.open("m")
    hostile, honest, typist = FakeSocket(room, hub), FakeSocket(room, hub), FakeSocket(room, hub)
    hostile.send(update(block(8, 0, string("x" * BIG, origin=(7, 0)))))
    honest.send(update(block(9, 0, string("y" * BIG, origin=(7, 1)), string("new", root="two"))))
    typist.send(update(block(7, 2, string("!", root="one"))))
    while workers.jobs < 2 or room.document.clocks != {7: 3}:
        await asyncio.sleep(0.001)

    workers.released.set()
    while room.document.clocks.get(9) != BIG + 3:
        await asyncio.sleep(0.001)
    assert await hostile.closed == CloseCode.REFUSED
    assert not honest.closed.done()
    with pytest.raises(InvalidUpdate, match="place"):
        room.document.admit(update(block(8, 0, string("x", origin=(7, 2), right=(9, BIG)))))
    for socket in (hostile, honest, typist):
        await socket.leave()


class FakeSocket:
    """A client of a room without a network. Implements what `Connection` needs of Starlette's WebSocket."""

    application_state = WebSocketState.CONNECTED

    def __init__(self, room: Room, hub: Hub) -> None:
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        connection = Connection(
            self, hub, room, EDITOR, ours=False, authorise=lambda _: EDITOR, on_end=lambda: None
        )  # type: ignore[arg-type]
        connection.join()
        self._life = asyncio.create_task(connection.run())

    def send(self, edit: bytes) -> None:
        self._frames.put_nowait(ywebsocket.update(edit))

    async def leave(self) -> None:
        self._life.cancel()
        await asyncio.wait([self._life])

    async def receive(self) -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": await self._frames.get()}

    async def send_bytes(self, frame: bytes) -> None: ...

    async def close(self, code: int, reason: str) -> None:
        self.closed.set_result(code)


async def read(room: Room) -> str:
    async with await Participant.join(room, EDITOR) as reader:
        return str(reader.doc.get("text", type=Text))
