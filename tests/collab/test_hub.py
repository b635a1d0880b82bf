"""The hub: opening, unloading, refusing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text

from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.errors import CloseCode, Rejected
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.room import Room
from collab.settings import Settings
from collab.workers import Workers
from storage.base import ObjectStore, UpdateLog
from storage.errors import Unavailable
from storage.format import encode_entry
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.testing import HeldLog
from storage.values import ZERO, Entry, Part

pytestmark = pytest.mark.anyio

EDITOR = Grant("u1", "Ann", Role.EDITOR)


class World:
    """Storage that outlives hubs."""

    def __init__(self, folder: Path) -> None:
        self.log: UpdateLog = MemoryLog()
        self.objects: ObjectStore = MemoryObjects()
        self.folder = folder
        self.workers = Workers()

    def hub(self, **settings: Any) -> Hub:
        guard = CrashGuard(self.folder / "open")
        return Hub(Settings(**settings), Backends(self.log, self.objects), self.workers, guard)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    world.workers.close()


async def write(hub: Hub, words: str, material: str = "m") -> None:
    room = await hub.open(material, create=True)
    async with await Participant.join(room, EDITOR) as participant:
        with participant.edit() as doc:
            text = doc.get("t", type=Text)
            text += words
        await participant.saved()


async def read(hub: Hub, material: str = "m") -> str:
    room = await hub.open(material)
    async with await Participant.join(room, EDITOR) as participant:
        return str(participant.doc.get("t", type=Text))


class FaultyLog:
    """Counts reads, makes them slow, and spoils them on demand."""

    def __init__(self, inner: UpdateLog) -> None:
        self.reads = 0
        self.error: Exception | None = None
        self.flips: set[str] = set()  # documents whose newest entry has a flipped bit
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def read(self, *arguments: Any) -> Any:
        self.reads += 1
        await asyncio.sleep(0.02)
        if self.error:
            raise self.error
        rows = await self._inner.read(*arguments)
        if arguments[0] in self.flips:
            cursor, entry = rows[-1]
            rows[-1] = (cursor, entry[:-1] + bytes([entry[-1] ^ 1]))
        return rows


async def test_a_document_is_loaded_once_however_many_ask(world: World) -> None:
    await write(world.hub(), "hello")
    world.log = counting = FaultyLog(world.log)  # type: ignore[assignment]
    hub = world.hub()
    rooms = await asyncio.gather(*(hub.open("m") for _ in range(20)))

    assert counting.reads == 1
    assert len(set(map(id, rooms))) == 1


async def test_an_absent_material_is_refused_like_a_forbidden_one(world: World) -> None:
    with pytest.raises(Rejected) as error:
        await world.hub().open("m")

    assert error.value.code == CloseCode.FORBIDDEN


async def test_an_outage_is_never_read_as_an_empty_document(world: World) -> None:
    await write(world.hub(), "hello")
    world.log = counting = FaultyLog(world.log)  # type: ignore[assignment]
    counting.error = Unavailable("read log", "m", "outage")
    hub = world.hub()
    with pytest.raises(Rejected) as error:
        await hub.open("m", create=True)
    assert error.value.code == CloseCode.UNAVAILABLE

    counting.error = None
    assert await read(hub) == "hello"


async def test_a_corrupt_entry_refuses_its_document_alone(world: World) -> None:
    hub = world.hub()
    await write(hub, "hello")
    await write(hub, "other", "n")
    world.log = spoilt = FaultyLog(world.log)  # type: ignore[assignment]
    spoilt.flips = {"m"}
    again = world.hub()
    with pytest.raises(Rejected) as error:
        await again.open("m", create=True)

    assert error.value.code == CloseCode.UNAVAILABLE
    assert await read(again, "n") == "other"


async def test_an_idle_room_is_unloaded_with_a_snapshot_and_comes_back(world: World) -> None:
    hub = world.hub(idle_seconds=0)
    await write(hub, "hello")
    house = asyncio.create_task(hub.keep_house())
    while hub.rooms:
        await asyncio.sleep(0.05)
    house.cancel()
    await hub.close()

    assert await Snapshots(world.objects).list("m")
    assert await read(hub) == "hello"


async def test_a_full_node_gives_up_the_room_left_longest_and_then_refuses(world: World) -> None:
    hub = world.hub(rooms=2)
    await write(hub, "a", "a")
    await write(hub, "b", "b")
    await write(hub, "c", "c")
    assert set(hub.rooms) == {"b", "c"}

    for material in "bc":
        await Participant.join(await hub.open(material), EDITOR)
    with pytest.raises(Rejected) as error:
        await hub.open("a")
    assert error.value.code == CloseCode.TOO_MANY


async def test_the_bound_on_rooms_holds_when_many_are_opened_at_once(world: World) -> None:
    hub = world.hub(rooms=5)
    opened = await asyncio.gather(
        *(hub.open(f"m{number}", create=True) for number in range(40)), return_exceptions=True
    )

    assert len(hub.rooms) <= 5
    assert all(isinstance(room, Rejected) for room in opened if not isinstance(room, Room))


async def test_a_stored_document_with_a_hole_is_refused(world: World) -> None:
    for update in (b"\x01\x01\x07\x00\x04\x01\x01t\x01a\x00", b"\x01\x01\x07\x05\x84\x07\x04\x01b\x00"):
        world.log.append("m", encode_entry(Entry(0, (Part("u1", (7,), update),))), ZERO, _Ignore())
    await asyncio.sleep(0)
    with pytest.raises(Rejected) as error:
        await world.hub().open("m", create=True)

    assert error.value.code == CloseCode.UNAVAILABLE


async def test_a_snapshot_that_failed_is_made_at_the_end_all_the_same(world: World) -> None:
    class Refusing(MemoryObjects):
        refuses = True

        async def put(self, name: str, data: bytes) -> None:
            if self.refuses:
                raise Unavailable("put", name, "away")
            await super().put(name, data)

    world.objects = objects = Refusing()
    hub = world.hub(compact_entries=1)
    house = asyncio.create_task(hub.keep_house())
    await write(hub, "hello")
    member = await Participant.join(await hub.open("m"), EDITOR)
    await asyncio.sleep(1.5)
    assert await Snapshots(objects).list("m") == []
    objects.refuses = False
    member.leave()
    house.cancel()
    await hub.close()

    assert await Snapshots(objects).list("m")


async def test_a_fresh_room_waits_for_the_append_of_the_one_that_was_dropped(world: World) -> None:
    world.log = held = HeldLog(world.log)  # type: ignore[assignment]
    hub = world.hub()
    room = await hub.open("m", create=True)
    writer = await Participant.join(room, EDITOR)
    held.hold()
    with writer.edit() as doc:
        text = doc.get("t", type=Text)
        text += "under way"
    await asyncio.sleep(0.05)
    hub._drop(room, b"")
    asyncio.get_running_loop().call_later(0.1, held.release)

    assert await read(hub) == "under way"


async def test_a_draining_hub_takes_nobody_and_closes_its_members(world: World) -> None:
    hub = world.hub()
    await write(hub, "hello")
    member = await Participant.join(await hub.open("m"), EDITOR)
    await hub.drain()

    with pytest.raises(Rejected):
        await member.saved()
    with pytest.raises(Rejected) as error:
        await hub.open("m")
    assert error.value.code == CloseCode.DRAIN


async def test_a_document_that_kills_its_process_is_refused_and_the_others_live(world: World) -> None:
    """The stored bytes crash pycrdt; a worker process dies in the server's place."""
    entry = encode_entry(Entry(0, (Part("u1", (5,), _deep_list(100_000)),)))
    world.log.append("bad", entry, ZERO, _Ignore())
    await asyncio.sleep(0)
    for _ in range(2):
        CrashGuard(world.folder / "open").opened("bad")
    hub = world.hub()
    with pytest.raises(Rejected) as error:
        await hub.open("bad")
    assert (error.value.code, error.value.label) == (CloseCode.UNAVAILABLE, "crash_loop")

    await write(hub, "alive")
    assert await read(hub) == "alive"


async def test_a_suspect_that_is_sound_opens(world: World) -> None:
    await write(world.hub(), "hello")
    for _ in range(2):
        CrashGuard(world.folder / "open").opened("m")

    assert await read(world.hub()) == "hello"


def _deep_list(depth: int) -> bytes:
    """An update with lists nested so deep in one value that pycrdt overflows its stack."""
    return b"\x01\x01\x05\x00\x08\x01\x01t\x01" + b"\x75\x01" * depth + b"\x7e\x00"


class _Ignore:
    def recorded(self, cursor: object) -> None: ...

    def reached(self, level: object) -> None: ...

    def failed(self, error: Exception) -> None:
        raise error
