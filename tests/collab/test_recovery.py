"""Data folders that were restored, spoilt or torn: a document opens whole, as a prefix, or not at all."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from collab.auth.grants import ANONYMOUS
from collab.backends import Backends
from collab.document import EMPTY_STATE_VECTOR, Document
from collab.errors import CloseCode, Rejected
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import read_settings
from collab.workers import Workers
from storage.clock import unix_milliseconds
from storage.file_objects import FileObjects
from storage.loader import load
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.values import ZERO, Cursor
from tests.collab.conftest import StartServer, connected
from tests.collab.live import write as write_remotely

pytestmark = pytest.mark.anyio

WORDS = [f"<{number}>" for number in range(6)]


@asynccontextmanager
async def hub(
    data: Path, clock: Callable[[], int] = unix_milliseconds, **settings: Any
) -> AsyncIterator[Hub]:
    """A hub over the folder `data`; at the end it stops as a server does, with a snapshot of what is new."""
    log, workers = SqliteLog(data / "log.db", clock=clock), Workers()
    objects = FileObjects(data / "objects")
    running = Hub(read_settings(**settings), Backends(log, objects), workers, CrashGuard(data / "open" / "0"))
    try:
        yield running
    finally:
        await running.drain()
        await running.close()
        await log.close()
        workers.close()


async def write(running: Hub, words: str) -> None:
    room = await running.open("m", create=True)
    async with await Participant.join(room, ANONYMOUS) as participant:
        with participant.edit() as doc:
            text = doc.get("text", type=Text)
            text += words
        await participant.saved()


async def read(running: Hub) -> str:
    async with await Participant.join(await running.open("m"), ANONYMOUS) as participant:
        return str(participant.doc.get("text", type=Text))


async def written(data: Path, words: list[str]) -> None:
    """Write to a folder, each word in a run of its own."""
    for word in words:
        async with hub(data) as running:
            await write(running, word)


async def cursors(data: Path) -> list[Cursor]:
    """Of the entries in the log."""
    log = SqliteLog(data / "log.db")
    try:
        return [cursor for cursor, _ in await log.read("m", ZERO)]
    finally:
        await log.close()


async def newest_snapshot(data: Path) -> Cursor:
    snapshot = await Snapshots(FileObjects(data / "objects")).newest("m")
    assert snapshot is not None
    return snapshot.cursor


def snapshot_files(data: Path) -> list[Path]:
    """Ascending."""
    return sorted(path for path in (data / "objects" / "snapshots").rglob("*") if path.is_file())


# Restored, trimmed, set back


async def test_snapshots_on_an_empty_log_are_a_document_that_goes_on(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
    await written(old, WORDS[:3])
    shutil.copytree(old / "objects", new / "objects")
    async with hub(new) as running:
        restored = await newest_snapshot(new)
        await write(running, WORDS[3])
        assert all(cursor > restored for cursor in await cursors(new))
    await written(new, WORDS[4:])
    async with hub(new) as running:
        assert await read(running) == "".join(WORDS)


async def test_a_clock_that_is_set_back_loses_nothing(tmp_path: Path) -> None:
    for word, now in zip(WORDS, (2 * 10**12, 1, 10**12, 0, 5, 2), strict=True):
        async with hub(tmp_path, clock=lambda now=now: now) as running:  # type: ignore[misc]
            await write(running, word)
    async with hub(tmp_path) as running:
        assert await read(running) == "".join(WORDS)


async def test_a_log_that_was_trimmed_to_nothing_goes_on_above_the_snapshot(tmp_path: Path) -> None:
    await written(tmp_path, WORDS[:3])
    log = SqliteLog(tmp_path / "log.db")
    await log.trim("m", await newest_snapshot(tmp_path))
    await log.close()
    assert await cursors(tmp_path) == []
    async with hub(tmp_path) as running:
        snapshot = await newest_snapshot(tmp_path)
        await write(running, WORDS[3])
        assert all(cursor > snapshot for cursor in await cursors(tmp_path))
    await written(tmp_path, WORDS[4:])
    async with hub(tmp_path) as running:
        assert await read(running) == "".join(WORDS)


# Spoilt snapshots


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize("spoil", [flip, truncate, empty, Path.unlink])
@pytest.mark.parametrize("runs", [1, 4])
async def test_an_idle_document_whose_newest_snapshot_is_spoilt_opens_whole(
    tmp_path: Path, spoil: Callable[[Path], None], runs: int
) -> None:
    await written(tmp_path, WORDS[: runs - 1])
    async with hub(tmp_path, idle_seconds=0) as running:
        await write(running, WORDS[runs - 1])
        house = asyncio.create_task(running.keep_house())
        while running.rooms:
            await asyncio.sleep(0.02)
        house.cancel()
    spoil(snapshot_files(tmp_path)[-1])
    async with hub(tmp_path) as running:
        assert await read(running) == "".join(WORDS[:runs])
        await write(running, "more")
    async with hub(tmp_path) as running:
        assert await read(running) == "".join(WORDS[:runs]) + "more"


@pytest.mark.parametrize("spoil", [flip, truncate, empty, Path.unlink])
async def test_a_document_without_a_good_snapshot_and_with_a_trimmed_log_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    await written(tmp_path, WORDS[:4])
    for path in snapshot_files(tmp_path):
        spoil(path)
    before = _contents(tmp_path / "objects"), await cursors(tmp_path)
    async with hub(tmp_path) as running:
        for _ in range(2):
            with pytest.raises(Rejected) as error:
                await running.open("m", create=True)
            assert error.value.code == CloseCode.UNAVAILABLE

    assert (_contents(tmp_path / "objects"), await cursors(tmp_path)) == before


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A torn log


async def stored(data: Path) -> str:
    """The document as a bare reload shows it."""
    log = SqliteLog(data / "log.db")
    try:
        loaded = await load("m", log, FileObjects(data / "objects"))
    finally:
        await log.close()
    document, doc = Document(), Doc[Any]()
    document.load(loaded.updates)
    doc.apply_update(document.diff(EMPTY_STATE_VECTOR))
    return str(doc.get("text", type=Text))


async def test_a_torn_log_opens_as_a_prefix_and_goes_on(tmp_path: Path, start_server: StartServer) -> None:
    """The beginning is in the database file, later edits in the write-ahead log, whose end is damaged."""
    source = tmp_path / "source"
    server = start_server(source)
    async with connected(server.url, "m") as client:
        await write_remotely(client, "base")
        await client.until_saved()
    server.stop()
    server.start()
    async with connected(server.url, "m") as client:
        for number in range(150):
            await write_remotely(client, f"<{number}>")
            if number % 10 == 0:
                await client.until_saved()
        server.kill()
    whole = await stored(_copy(source, tmp_path / "whole"))
    choose = random.Random(3)
    lengths = set()
    for number in range(12):
        copy = _copy(source, tmp_path / str(number))
        _tear(copy / "log.db-wal", choose)
        kept = await stored(copy)
        assert whole.startswith(kept)
        assert kept.startswith("base")
        lengths.add(len(kept))
        async with hub(copy) as running:
            await write(running, "next")
        assert await stored(copy) == kept + "next"
    assert len(lengths) > 1


def _copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*-shm", "lock*"))
    return target


def _tear(path: Path, choose: random.Random) -> None:
    """Cut the end off, or overwrite it with noise."""
    size = path.stat().st_size
    at = choose.randrange(32, size)
    with open(path, "r+b") as file:
        file.seek(at)
        if choose.random() < 0.5:
            file.truncate()
        else:
            file.write(choose.randbytes(size - at))
