"""Snapshots in the background: made once by several nodes, and what happens while none can be made."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.client import Client
from storage.errors import Unavailable
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from tests.collab.cluster import MATERIAL, Cluster, read, until, write
from tests.collab.conftest import connected
from tests.collab.live import running, shows, text
from tests.collab.live import write as type_in

pytestmark = pytest.mark.anyio


class Away(MemoryObjects):
    """An object store that takes nothing while it is away."""

    away = True

    async def put(self, name: str, data: bytes) -> None:
        if self.away:
            raise Unavailable("put", name, "away")
        await super().put(name, data)


async def test_several_nodes_make_one_snapshot(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, compact_entries=3)
    ann, ben = await cluster.join("a", "ann"), await cluster.join("b", "ben")
    for number in range(4):
        write(ann, f"{number} ")
        await ann.saved()
    await until(lambda: read(ben) == "0 1 2 3 ")
    loop = asyncio.get_running_loop()
    for name in ("a", "b"):
        hub = cluster.node(name)
        hub._snapshotter.attend(hub.rooms[MATERIAL], loop.time())
    for name in ("a", "b"):
        await cluster.node(name)._snapshotter.finish(5)
    await asyncio.sleep(0.01)
    assert len(await Snapshots(cluster.objects).list(MATERIAL)) == 1
    assert [cluster.node(name).rooms[MATERIAL].recorder.entries for name in ("a", "b")] == [0, 0]
    await cluster.close()


async def test_a_backlog_without_end_makes_a_material_read_only_until_a_snapshot_succeeds(
    tmp_path: Path,
) -> None:
    log = SqliteLog(tmp_path / "log.db")
    async with (
        running(tmp_path, log, backlog_bytes=2000, compact_entries=1) as (url, app),
        connected(url, "m") as writer,
        connected(url, "m", plain=True) as reader,
    ):
        snapshotter = app.state.hub._snapshotter
        snapshotter._objects = objects = Away()
        room = app.state.hub.rooms["m"]
        while not room.frozen:
            await type_in(writer, "x" * 100)
            await asyncio.sleep(0.05)
        await writer.until_saved()
        await type_in(writer, " refused")
        await asyncio.sleep(0.1)
        assert "refused" not in text(reader)
        assert writer.saved < writer.sent

        objects.away = False
        room.recorder.compact_after = 0.0
        await reader.until(shows(reader, "refused"))
        await writer.until_saved()
        await type_in(writer, " goes on")
        await reader.until(shows(reader, "goes on"))
        await writer.until_saved()


async def test_who_joins_a_frozen_material_can_read_it(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    async with running(tmp_path, log) as (url, app), connected(url, "m") as writer:
        await type_in(writer, "to be read")
        await writer.until_saved()
        app.state.hub.rooms["m"].freeze("for a reason")
        app.state.hub._snapshotter.attend = lambda room, now: None
        joiner = Client(url, "m")
        await joiner.connect()
        assert text(joiner) == "to be read"
        await type_in(joiner, " refused")
        await asyncio.sleep(0.1)
        assert text(writer) == "to be read"
        app.state.hub.rooms["m"].freeze("")
        await writer.until(shows(writer, "refused"))
        await joiner.until_saved()
        await joiner.close()
