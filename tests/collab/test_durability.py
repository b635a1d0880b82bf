"""Record, show, promise, in this order, over real sockets: with a held log, a full disk, a killed server."""

import asyncio
import json
import resource
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pycrdt import Doc, Text

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from collab.auth.grants import ANONYMOUS
from collab.participant import Participant
from storage.compactor import Compactor
from storage.file_objects import FileObjects
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.testing import HeldLog, Hold
from tests.collab.conftest import StartServer, connected
from tests.collab.harness import pause
from tests.collab.live import Listener, running, shows, text, write

pytestmark = pytest.mark.anyio

CATCH_UPS = "studyhub_catch_ups_total"


def dumped(server: ServerProcess, material: str = "m") -> str:
    doc: Doc[Any] = Doc()
    doc.apply_update(server.dump(material))
    return str(doc.get("text", type=Text))


# A held append


@pytest.fixture
async def held(tmp_path: Path) -> HeldLog:
    return HeldLog(SqliteLog(tmp_path / "log.db"))


async def test_an_edit_whose_append_is_held_is_nowhere_and_not_acknowledged(
    tmp_path: Path, held: HeldLog
) -> None:
    async with (
        running(tmp_path, held) as (url, app),
        connected(url, "m") as writer,
        connected(url, "m") as reader,
        connected(url, "m") as twin,
        asyncio.TaskGroup() as tasks,
    ):
        await write(writer, "before ")
        await writer.until_saved()
        await reader.until(shows(reader, "before"))
        acknowledged = (writer.saved, twin.saved)
        held.hold()
        before = writer.doc.get_state()
        await write(writer, "secret")
        update = writer.doc.get_update(before)
        await pause()
        await writer.send_update(update)  # the same bytes again
        await twin.send_update(update)  # and from another session
        joiner = Client(url, "m")
        waiting = [
            tasks.create_task(joiner.connect()),
            tasks.create_task(reader.resync()),
            tasks.create_task(_participant_reads(app.state.hub)),
        ]
        await pause()
        objects = FileObjects(tmp_path / "objects")
        await Compactor(held, objects).compact("m", 1)
        snapshot = await Snapshots(objects).newest("m")
        await pause()

        assert text(reader) == "before "
        assert (writer.saved, twin.saved) == acknowledged
        assert not any(task.done() for task in waiting)
        assert b"before" in b"".join(snapshot.chunks if snapshot else ())
        assert b"secret" not in b"".join(snapshot.chunks if snapshot else ())

        held.release()
        for client in (writer, twin):
            await client.until_saved()
        await asyncio.gather(*waiting)
        assert {text(client) for client in (reader, joiner)} == {"before secret"}
        assert waiting[2].result() == "before secret"
        await joiner.close()


async def _participant_reads(hub: Any) -> str:
    async with await Participant.join(await hub.open("m"), ANONYMOUS) as participant:
        return str(participant.doc.get("text", type=Text))


async def test_an_edit_that_is_recorded_but_not_synced_is_shown_and_not_acknowledged(
    tmp_path: Path, held: HeldLog
) -> None:
    async with (
        running(tmp_path, held) as (url, _),
        connected(url, "m") as writer,
        connected(url, "m") as reader,
    ):
        await write(writer, "one ")
        await writer.until_saved()
        acknowledged = writer.saved
        held.hold(Hold.LEVEL)
        await write(writer, "two")
        await reader.until(shows(reader, "one two"))
        async with connected(url, "m") as joiner:
            assert text(joiner) == "one two"
        await pause()
        assert writer.saved == acknowledged

        held.release()
        await writer.until_saved()


async def test_a_server_whose_acknowledgements_need_no_sync_gives_them_when_it_is_recorded(
    tmp_path: Path, held: HeldLog
) -> None:
    async with running(tmp_path, held, level="recorded") as (url, _), connected(url, "m") as writer:
        held.hold(Hold.LEVEL)
        await write(writer, "one")
        await writer.until_saved()

        assert writer.level == "recorded"


async def test_a_slow_readers_catch_up_waits_for_the_append_as_well(tmp_path: Path, held: HeldLog) -> None:
    """The outbox holds 1 KiB: what is shown goes over into one diff, and that one needs the held append."""
    async with (
        running(tmp_path, held, outbox_bytes=1024) as (url, _),
        connected(url, "m") as writer,
        connected(url, "m") as slow,
    ):
        before = REGISTRY.get_sample_value(CATCH_UPS) or 0
        slow.transport.pause_reading()
        for number in range(60):
            await write(writer, f"{number} " + "x" * 100_000)
        await writer.until_saved()
        held.hold()
        await write(writer, "secret")
        await pause()
        slow.transport.resume_reading()
        await pause()
        assert "secret" not in text(slow)

        assert (REGISTRY.get_sample_value(CATCH_UPS) or 0) > before

        held.release()
        await slow.until(shows(slow, "secret"))
        assert text(slow) == text(writer)


# A full disk


@contextmanager
def no_space(server: ServerProcess) -> Iterator[None]:
    """No file of the server can grow, as on a full disk; needs no rights."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def health(server: ServerProcess) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{server.http}/health/ready") as answer:
                return answer.status, json.load(answer)["status"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["status"]

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize("unrecorded", ["show", "hold"])
async def test_on_a_full_disk_nothing_is_promised_and_nothing_is_lost(
    start_server: StartServer, unrecorded: str
) -> None:
    server = start_server(unrecorded=unrecorded)
    writer, reader = Listener(server.url, "m"), Listener(server.url, "m")
    async with connected(server.url, "old") as old:
        await write(old, "an older document")
        await old.until_saved()
    for client in (writer, reader):
        await client.connect()
    await write(writer, "one ")
    await writer.until_saved()
    acknowledged = writer.saved

    with no_space(server):
        await write(writer, "two ")
        while (await health(server))[0] == 200:
            await asyncio.sleep(0.02)
        await write(writer, "three")
        if unrecorded == "show":
            await reader.until(shows(reader, "one two three"))
            await reader.until(lambda: reader.notices[-1:] == [True])
        await pause()
        assert text(reader) == ("one two three" if unrecorded == "show" else "one ")
        assert writer.saved == acknowledged
        assert await health(server) == (503, "log unavailable")
        await _opens_whole_or_not_at_all(server)

    await writer.until_saved()
    await reader.until(shows(reader, "one two three"))
    if unrecorded == "show":
        await writer.until(lambda: writer.notices[-1] is False)
    assert await health(server) == (200, "ready")
    for client in (writer, reader):
        await client.close()
    server.kill()
    assert dumped(server) == "one two three"
    assert dumped(server, "old") == "an older document"


async def _opens_whole_or_not_at_all(server: ServerProcess) -> None:
    client = Client(server.url, "old")
    try:
        await client.connect()
    except ConnectionError:
        assert client.close_code == 4503
    else:
        assert text(client) == "an older document"
        await client.close()


# A killed server


async def test_a_client_outlives_a_killed_server_and_its_edits_arrive_once(start_server: StartServer) -> None:
    server = start_server()
    tags: list[Any] = []
    client = Client(server.url, "m", retries=True, on_saved=lambda tag, level: tags.append(tag))
    await client.connect()
    for number in range(60):
        await write(client, f"<{number}>", tag=number)
        if number == 0:
            await client.until_saved()
        if number == 20:
            server.kill()
        if number == 40:
            server.start()
        await asyncio.sleep(0.005)
    await client.until_saved()
    await client.close()
    server.kill()

    kept = dumped(server)
    assert all(kept.count(f"<{number}>") == 1 for number in range(60))
    assert sorted(tags) == list(range(60))


async def test_what_others_saw_is_there_after_a_kill(start_server: StartServer) -> None:
    server = start_server()
    writer, reader = Client(server.url, "m"), Client(server.url, "m")
    for client in (writer, reader):
        await client.connect()
    for number in range(200):
        await write(writer, f"<{number}>")
    await reader.until(lambda: text(reader) != "")
    server.kill()
    for client in (writer, reader):
        await client.kill()

    assert dumped(server).startswith(text(reader))
