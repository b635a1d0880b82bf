"""Faults planted into the data of a real run: the checker must catch each."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import ServerProcess
from storage.file_objects import FileObjects
from storage.format import decode_entry
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.values import ZERO, Cursor
from tests.faults.checker import check
from tests.faults.history import History
from tests.faults.load import Load, tokens_in
from tests.faults.node import OneNode, stored


@dataclass
class Recorded:
    """A run that ended well: its data, its history and its documents."""

    folder: Path
    history: History
    documents: list[str]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    history = History()

    async def record() -> list[str]:
        with ServerProcess(folder) as server:
            load = Load([server.url], history, 1, documents=2)
            await load.start()
            await asyncio.sleep(1)
            await load.finish()
            await load.stop()
            server.kill()
        return load.documents

    return Recorded(folder, history, asyncio.run(record()))


@pytest.fixture
def run(recorded: Recorded, tmp_path: Path) -> Recorded:
    """A copy of the run to damage."""
    folder = tmp_path / "data"
    shutil.copytree(recorded.folder, folder)
    return Recorded(folder, recorded.history, recorded.documents)


async def _kinds(run: Recorded) -> set[tuple[str, str]]:
    contents = await stored(run.folder, run.documents)
    violations = check(run.history, contents, "a bare reload", complete=True)
    return {(violation.kind, violation.document) for violation in violations}


Damage = Callable[[SqliteLog, str], Awaitable[Any]]


async def _in_log(run: Recorded, damage: Damage, document: str) -> None:
    log = SqliteLog(run.folder / "log.db")
    try:
        await damage(log, document)
    finally:
        await log.close()


async def _append(log: SqliteLog, document: str, entry: bytes) -> None:
    done: asyncio.Future[Cursor] = asyncio.get_running_loop().create_future()

    class Waiting:
        def recorded(self, cursor: Cursor) -> None:
            done.set_result(cursor)

        def reached(self, level: object) -> None:
            """Nobody waits for it."""

        def failed(self, error: Exception) -> None:
            done.set_exception(error)

    log.append(document, entry, (await log.state(document)).last, Waiting())
    await done


@pytest.mark.anyio
async def test_a_run_without_a_fault_passes(run: Recorded) -> None:
    assert len(run.history.tokens) > 20
    assert await _kinds(run) == set()


def test_a_short_run_is_in_the_log_alone(recorded: Recorded) -> None:
    """No snapshot is due after seconds; one would hide what is planted into the log."""
    snapshots = (recorded.folder / "objects" / "snapshots").rglob("*")
    assert [path for path in snapshots if path.is_file()] == []


@pytest.mark.anyio
async def test_the_dump_command_reads_what_storage_loads(run: Recorded) -> None:
    command = OneNode(ServerProcess(run.folder)).dump(run.documents)

    assert command == await stored(run.folder, run.documents)


@pytest.mark.anyio
@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the last"])
async def test_a_dropped_entry_is_caught(run: Recorded, which: int) -> None:
    document = run.documents[0]
    database = sqlite3.connect(run.folder / "log.db")
    with database:
        rows = database.execute(
            "SELECT document, epoch, sequence, data FROM entries JOIN documents ON document = documents.id"
            " WHERE name = ? ORDER BY epoch, sequence",
            (document,),
        ).fetchall()
        edits = [row for *row, data in rows if decode_entry(data).parts]
        database.execute("DELETE FROM entries WHERE (document, epoch, sequence) = (?, ?, ?)", edits[which])
    database.close()

    assert await _kinds(run) & {("acknowledged and lost", document), ("unreadable", document)}


@pytest.mark.anyio
async def test_an_edit_acknowledged_before_it_was_appended_is_caught(run: Recorded) -> None:
    document = run.documents[0]
    run.history.send("early", document)
    run.history.acknowledge("early", "synced")

    found = await _kinds(run)
    del run.history.tokens["early"]

    assert found == {("acknowledged and lost", document)}


@pytest.mark.anyio
async def test_a_log_trimmed_too_early_is_caught(run: Recorded) -> None:
    async def trim(log: SqliteLog, document: str) -> None:
        entries = await log.read(document, ZERO)
        await log.trim(document, entries[len(entries) // 2][0])

    document = run.documents[1]
    await _in_log(run, trim, document)

    assert await _kinds(run) & {("acknowledged and lost", document), ("unreadable", document)}


@pytest.mark.anyio
async def test_a_stale_snapshot_under_a_new_cursor_is_caught(run: Recorded) -> None:
    async def snapshot(log: SqliteLog, document: str) -> None:
        entries = await log.read(document, ZERO)
        state = next(part.update for _, entry in entries for part in decode_entry(entry).parts)
        assert tokens_in(state)
        await Snapshots(FileObjects(run.folder / "objects")).write(document, entries[-1][0], state, 1)
        await log.trim(document, entries[-1][0])

    document = run.documents[0]
    await _in_log(run, snapshot, document)

    assert ("acknowledged and lost", document) in await _kinds(run)


@pytest.mark.anyio
async def test_a_leak_between_documents_is_caught(run: Recorded) -> None:
    async def leak(log: SqliteLog, document: str) -> None:
        for _, entry in await log.read(run.documents[0], ZERO):
            await _append(log, document, entry)

    await _in_log(run, leak, run.documents[1])

    assert await _kinds(run) == {("leaked", run.documents[1])}
