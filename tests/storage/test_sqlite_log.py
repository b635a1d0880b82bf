"""The SQLite log groups its commits, tells the truth about every failure and lives on."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import sqlite_syncer, sqlite_writer
from storage.errors import Unavailable
from storage.sqlite_log import SqliteLog
from storage.sqlite_tables import Transaction, open_database
from storage.testing import Receipt, append
from storage.values import ZERO, Cursor, Level
from tests.storage.processes import run, unprivileged

pytestmark = pytest.mark.anyio


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.sqlite", busy_seconds=0.01)
    yield log
    await log.close()


class Counts:
    """How often the writer committed and synced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits = self.syncs = 0
        commit, sync = Transaction.commit, sqlite_syncer.WalFile.sync

        def counting_commit(transaction: Transaction) -> None:
            commit(transaction)
            self.commits += 1

        def counting_sync(wal: sqlite_syncer.WalFile) -> None:
            sync(wal)
            self.syncs += 1

        monkeypatch.setattr(Transaction, "commit", counting_commit)
        monkeypatch.setattr(sqlite_syncer.WalFile, "sync", counting_sync)


async def test_what_waits_is_one_commit_and_one_sync_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first append is held in its commit while a hundred more of ten documents arrive."""
    log = SqliteLog(tmp_path / "log.sqlite", busy_seconds=10)
    await append(log, "a", b"opens the database")
    counts = Counts(monkeypatch)
    blocker = sqlite3.connect(log.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    first, *rest = [Receipt() for _ in range(101)]
    log.append("a", b"x", ZERO, first)
    while log._writer._waiting:  # type: ignore[union-attr]
        await asyncio.sleep(0.001)
    for number, receipt in enumerate(rest):
        log.append(f"doc {number % 10}", b"x", ZERO, receipt)
    blocker.execute("ROLLBACK")
    blocker.close()
    for receipt in (first, *rest):
        await receipt.until(Level.SYNCED)
    await log.close()
    assert counts.commits == 2
    assert 1 <= counts.syncs <= 2  # the first one may rest until the second is wanted, too


async def test_recorded_is_told_before_the_sync(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await append(log, "a", b"opens the database")
    held = threading.Event()
    sync = sqlite_syncer.WalFile.sync
    monkeypatch.setattr(sqlite_syncer.WalFile, "sync", lambda wal: (held.wait(), sync(wal))[1])
    receipt = Receipt()
    log.append("a", b"x", ZERO, receipt)
    cursor = await receipt.until(Level.RECORDED)
    assert await log.read("a", ZERO) != []
    assert receipt.levels == [Level.RECORDED]
    held.set()
    assert await receipt.until(Level.SYNCED) == cursor


async def test_a_disk_that_does_not_sync_holds_up_further_appends(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise what is recorded and not yet safe would grow without bound, and be kept by its rooms."""
    await append(log, "a", b"opens the database")
    held = threading.Event()
    sync = sqlite_syncer.WalFile.sync
    monkeypatch.setattr(sqlite_syncer.WalFile, "sync", lambda wal: (held.wait(), sync(wal))[1])
    monkeypatch.setattr(sqlite_writer, "_MAX_UNSYNCED", 1000)
    receipts = [Receipt() for _ in range(4)]
    for receipt in receipts:
        log.append("a", bytes(600), ZERO, receipt)
        await asyncio.sleep(0.02)
    assert [bool(receipt.levels) for receipt in receipts] == [True, True, False, False]
    held.set()
    for receipt in receipts:
        await receipt.until(Level.SYNCED)


async def test_a_failed_sync_fails_the_level_and_the_next_group_starts_from_a_synced_database(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have dropped the pages; what follows must not stand behind them in the WAL."""
    await append(log, "a", b"before")

    def fail(descriptor: int) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(sqlite_syncer, "sync_file", fail)
    receipt = Receipt()
    log.append("a", b"doubtful", ZERO, receipt)
    with pytest.raises(Unavailable, match="Input/output error"):
        await receipt.until(Level.SYNCED)
    monkeypatch.undo()
    checkpointed: list[int] = []
    checkpoint = sqlite_writer._checkpoint_all

    def note(connection: sqlite3.Connection) -> None:
        checkpoint(connection)
        checkpointed.append(Path(f"{log.path}-wal").stat().st_size)

    monkeypatch.setattr(sqlite_writer, "_checkpoint_all", note)
    await append(log, "a", b"after")
    assert checkpointed == [0]
    assert [entry for _, entry in await log.read("a", ZERO)] == [b"before", b"doubtful", b"after"]


def test_a_wal_that_was_replaced_is_opened_anew_and_its_folder_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    wal, path = sqlite_syncer.WalFile(tmp_path / "log.sqlite"), tmp_path / "log.sqlite-wal"
    folder = tmp_path.stat().st_ino
    path.write_bytes(b"old")
    old = path.stat().st_ino
    wal.sync()
    wal.sync()
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "new").rename(path)
    wal.sync()
    wal.close()
    assert synced == [folder, old, old, folder, path.stat().st_ino]


async def test_a_locked_database_fails_each_append_and_the_next_one_succeeds(log: SqliteLog) -> None:
    await append(log, "a", b"x")
    blocker = sqlite3.connect(log.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    receipts = [Receipt() for _ in range(5)]
    for receipt in receipts:
        log.append("a", b"y", ZERO, receipt)
    for receipt in receipts:
        with pytest.raises(Unavailable, match="another program holds the database"):
            await receipt.until()
        assert receipt.cursor is None
    with pytest.raises(Unavailable):
        await log.trim("a", ZERO)
    blocker.execute("ROLLBACK")
    blocker.close()
    await append(log, "a", b"z")
    assert [entry for _, entry in await log.read("a", ZERO)] == [b"x", b"z"]


async def test_a_file_that_is_no_database_is_unavailable_to_everyone(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    log = SqliteLog(path)
    for _ in range(2):
        with pytest.raises(Unavailable, match="restore the database from a backup"):
            await append(log, "a", b"x")
        for call in (log.read("a", ZERO), log.state("a"), log.raise_floor("a", Cursor(1, 1))):
            with pytest.raises(Unavailable):
                await call
    path.unlink()
    await append(log, "a", b"x")
    await log.close()


async def test_a_database_that_vanished_is_not_replaced_by_an_empty_one(log: SqliteLog) -> None:
    await append(log, "a", b"x")
    await log.read("a", ZERO)
    for path in log.path.parent.iterdir():
        path.unlink()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await append(log, "a", b"y")
    assert not log.path.exists()


async def test_tables_of_a_newer_version_are_refused(log: SqliteLog) -> None:
    await append(log, "a", b"x")
    await log.close()
    with sqlite3.connect(log.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    newer = SqliteLog(log.path)
    with pytest.raises(Unavailable, match="upgrade StudyHub"):
        await append(newer, "a", b"y")
    with pytest.raises(Unavailable, match="upgrade StudyHub"):
        await newer.read("a", ZERO)
    await newer.close()


async def test_tables_of_the_first_version_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    old = sqlite3.connect(path)
    old.executescript("""
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
            given_epoch INTEGER NOT NULL, given_sequence INTEGER NOT NULL,
            floor_epoch INTEGER NOT NULL, floor_sequence INTEGER NOT NULL,
            trimmed_epoch INTEGER NOT NULL, trimmed_sequence INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE entries (
            document INTEGER NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
            time INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (document, epoch, sequence)
        ) STRICT;
        INSERT INTO documents VALUES (1, 'a', 1, 3145728, 0, 0, 0, 0);
        INSERT INTO entries VALUES (1, 1, 2097152, 5, x'01'), (1, 1, 3145728, 6, x'02');
        PRAGMA user_version = 1;
    """)
    old.close()
    log = SqliteLog(path)
    cursor = await append(log, "a", b"\x03", after=Cursor(1, 3145728))
    assert cursor > Cursor(1, 3145728)
    assert [entry for _, entry in await log.read("a", ZERO)] == [b"\x01", b"\x02", b"\x03"]
    await log.close()


async def test_a_closed_log_is_unavailable(log: SqliteLog) -> None:
    await append(log, "a", b"x")
    await log.close()
    await log.close()
    for call in (append(log, "a", b"y"), log.read("a", ZERO), log.trim("a", ZERO)):
        with pytest.raises(Unavailable, match="closed"):
            await call


async def test_an_outcome_that_raises_does_not_hide_the_others(log: SqliteLog) -> None:
    class Broken(Receipt):
        def recorded(self, cursor: Cursor) -> None:
            raise RuntimeError("a fault of the caller")

    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    good = Receipt()
    log.append("a", b"x", ZERO, Broken())
    log.append("a", b"y", ZERO, good)
    await good.until(Level.SYNCED)
    assert [str(context["exception"]) for context in reported] == ["a fault of the caller"]


async def test_a_name_that_is_no_text_fails_its_caller_alone(log: SqliteLog) -> None:
    good = Receipt()
    log.append("a", b"x", ZERO, good)
    with pytest.raises(ValueError):
        log.append("\ud800", b"y", ZERO, Receipt())
    await good.until(Level.SYNCED)


async def test_cursors_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    now = iter([5000, 4000, 1, 9000])
    log = SqliteLog(tmp_path / "log.sqlite", clock=lambda: next(now))
    cursors = [await append(log, "a", b"x") for _ in range(3)]
    assert cursors == sorted(set(cursors))
    assert (await log.state("a")).oldest == 1
    await log.close()


async def test_the_wal_is_checkpointed_and_does_not_grow(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_CHECKPOINT_BYTES", 100_000)
    for _ in range(300):
        await append(log, "a", bytes(20_000))
    assert Path(f"{log.path}-wal").stat().st_size < 3_000_000  # of six million written
    assert len(await log.read("a", ZERO)) == 300


async def test_a_failed_checkpoint_fails_nobody(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of old pages keeps the WAL from being reset; appends go on."""
    monkeypatch.setattr(sqlite_writer, "_CHECKPOINT_BYTES", 1)
    await append(log, "a", b"x")
    reader = open_database(log.path, create=False, busy_seconds=0)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM entries").fetchall()
    for _ in range(5):
        await append(log, "a", b"y")
    reader.close()
    assert len(await log.read("a", ZERO)) == 6


def test_a_full_disk_is_unavailable_and_the_log_lives_on(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk; then there is space again."""
    output = run(
        "import asyncio, resource, sys; from pathlib import Path\n"
        "from storage.errors import Unavailable; from storage.sqlite_log import SqliteLog\n"
        "from storage.testing import append; from storage.values import ZERO\n"
        "async def main():\n"
        "    log = SqliteLog(Path(sys.argv[1]) / 'log.sqlite')\n"
        "    await append(log, 'a', b'before')\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))\n"
        "    for _ in range(3):\n"
        "        try: await append(log, 'a', bytes(500_000))\n"
        "        except Unavailable as error: print('unavailable')\n"
        "    await append(log, 'a', b'small')\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "    await append(log, 'a', bytes(500_000))\n"
        "    print([len(entry) for _, entry in await log.read('a', ZERO)])\n"
        "    await log.close()\n"
        "asyncio.run(main())",
        str(tmp_path),
    )
    assert output.splitlines() == ["unavailable"] * 3 + ["[6, 5, 500000]"]


async def test_a_full_database_is_unavailable_and_the_log_lives_on(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own limit on pages gives its error for a full disk."""

    def limited(path: Path, *, create: bool, busy_seconds: float) -> sqlite3.Connection:
        connection = open_database(path, create=create, busy_seconds=busy_seconds)
        connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr(sqlite_writer, "open_database", limited)
    for _ in range(2):
        with pytest.raises(Unavailable, match="free some disk space"):
            await append(log, "a", bytes(500_000))
    await append(log, "a", b"small")
    monkeypatch.undo()
    assert [entry for _, entry in await log.read("a", ZERO)] == [b"small"]


def test_a_read_only_folder_is_unavailable() -> None:
    output = unprivileged(
        "from storage.errors import Unavailable; from storage.testing import append\n"
        "from storage.values import ZERO\n"
        "async def main():\n"
        "    log = storage.sqlite_log.SqliteLog(folder / 'log.sqlite')\n"
        "    for _ in range(2):\n"
        "        for call in (append(log, 'a', b'x'), log.read('a', ZERO), log.state('a')):\n"
        "            try: await call\n"
        "            except Unavailable as error: print(error)\n"
        "    await log.close()\n"
        "asyncio.run(main())",
    )
    lines = output.splitlines()
    assert len(lines) == 6
    assert all("check that the data folder is there and writable" in line for line in lines)
