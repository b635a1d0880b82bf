"""What the SQLite log holds after a crash, and after damage to its WAL."""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from storage.head import STRIDE, Head, mark
from storage.sqlite_log import SqliteLog
from storage.sqlite_tables import Heads, Transaction, open_database, read_entries, read_state
from storage.testing import append
from storage.values import ZERO, Cursor
from tests.storage.processes import ROOT

cursors = st.builds(Cursor, st.integers(0, 3), st.integers(0, 12))
documents = st.sampled_from(["a", "b"])

_APPENDER = """
import asyncio, os, sys
from pathlib import Path
from storage.sqlite_log import SqliteLog
from storage.values import ZERO

class Print:
    def __init__(self, data): self.data = data
    def recorded(self, cursor):
        size = os.stat(sys.argv[1] + "-wal").st_size
        os.write(1, f"{cursor} {self.data.hex()} {size}\\n".encode())
    def reached(self, level): pass
    def failed(self, error): raise error

async def main():
    log = SqliteLog(Path(sys.argv[1]))
    for number in range(100_000):
        data = os.urandom(number % 200 + 1)
        log.append("a", data, ZERO, Print(data))
        await asyncio.sleep(0.001 if number % 7 == 0 else 0)

asyncio.run(main())
"""


def _kill_an_appender(path: Path, lines: int) -> list[tuple[Cursor, bytes, int]]:
    """Run a child that appends, and kill it; what it said was recorded, each with the WAL's size then."""
    command = [sys.executable, "-c", _APPENDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        output = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        output += child.stdout.readlines()
    fields = [line.decode().split() for line in output if line.endswith(b"\n")]
    return [(Cursor.parse(cursor), bytes.fromhex(data), int(size)) for cursor, data, size in fields]


def _read(path: Path) -> list[tuple[Cursor, bytes]]:
    connection = open_database(path, create=False, busy_seconds=1)
    try:
        return read_entries(connection, "a", ZERO)
    finally:
        connection.close()


@pytest.mark.parametrize("lines", [1, 50, 400, 1500])
def test_everything_recorded_survives_kill_9(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "log.sqlite"
    said = [(cursor, data) for cursor, data, _ in _kill_an_appender(path, lines)]
    held = _read(path)
    assert held[: len(said)] == said
    assert [cursor for cursor, _ in held] == sorted({cursor for cursor, _ in held})

    async def reopen() -> Cursor:
        log = SqliteLog(path)
        cursor = await append(log, "a", b"next")
        await log.close()
        return cursor

    assert asyncio.run(reopen()) > held[-1][0]


def test_a_damaged_wal_gives_a_prefix_that_ends_at_the_damage(tmp_path: Path) -> None:
    """Whatever was whole in the WAL before the damage is there; nothing is missing in between."""
    source = tmp_path / "killed"
    source.mkdir()
    said = _kill_an_appender(source / "log.sqlite", 300)
    whole = (source / "log.sqlite-wal").read_bytes()
    draw = random.Random(5)
    for number in range(40):
        at = draw.randrange(len(whole))
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(source / "log.sqlite", folder)
        damaged = whole[:at] if number % 2 else whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        (folder / "log.sqlite-wal").write_bytes(damaged)
        held = _read(folder / "log.sqlite")
        assert held[: len(said)] == [(cursor, data) for cursor, data, _ in said][: len(held)]
        assert len(held) >= sum(size <= at for _, _, size in said)
        shutil.rmtree(folder)


class LogMachine(RuleBasedStateMachine):
    """Any sequence of writes and crashes, against the promises of UpdateLog."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(_folder())
        self.heads: Heads = {}
        self.connection = self._open(create=True)
        self.entries: dict[str, dict[Cursor, bytes]] = {"a": {}, "b": {}}
        self.bound: dict[str, Cursor] = {"a": ZERO, "b": ZERO}  # below every later cursor
        self.trimmed: dict[str, Cursor] = {"a": ZERO, "b": ZERO}

    def _open(self, *, create: bool = False) -> sqlite3.Connection:
        return open_database(self.folder / "log.sqlite", create=create, busy_seconds=0)

    @rule(
        doc=documents, data=st.lists(st.binary(max_size=5), min_size=1, max_size=4), after=cursors | st.none()
    )
    def append(self, doc: str, data: list[bytes], after: Cursor | None) -> None:
        transaction = Transaction(self.connection, 1, self.heads)
        for entry in data:
            base = self.bound[doc] if after is None else after
            cursor = transaction.append(doc, entry, base, heals=True)
            assert cursor is not None
            assert cursor > max(base, self.bound[doc])
            assert cursor.epoch == self.bound[doc].epoch or cursor.epoch > base.epoch
            self.bound[doc] = cursor
            self.entries[doc][cursor] = entry
        transaction.commit()

    @rule(doc=documents, floor=cursors)
    def raise_floor(self, doc: str, floor: Cursor) -> None:
        transaction = Transaction(self.connection, 1, self.heads)
        transaction.raise_floor(doc, floor)
        transaction.commit()
        if floor > self.bound[doc]:
            self.bound[doc] = floor
            self.trimmed[doc] = max(self.trimmed[doc], floor)

    @rule(doc=documents, data=st.data())
    def trim(self, doc: str, data: st.DataObject) -> None:
        upto = data.draw(st.sampled_from([ZERO, self.bound[doc], *self.entries[doc]]) | cursors)
        transaction = Transaction(self.connection, 1, self.heads)
        transaction.trim(doc, upto)
        transaction.commit()
        self.bound[doc] = max(self.bound[doc], upto)
        self.trimmed[doc] = max(self.trimmed[doc], upto)
        self.entries[doc] = {at: entry for at, entry in self.entries[doc].items() if at > upto}

    @rule(doc=documents, upto=cursors)
    def leave_a_transaction_unfinished(self, doc: str, upto: Cursor) -> None:
        transaction = Transaction(self.connection, 1, self.heads)
        transaction.append(doc, b"lost", ZERO, heals=False)
        transaction.trim(doc, upto)
        self.connection.close()
        self.heads.clear()
        self.connection = self._open()

    @precondition(lambda self: any(self.entries.values()))
    @rule()
    def crash(self) -> None:
        """Go on from a copy of the files as they are."""
        crashed = Path(_folder())
        for path in self.folder.iterdir():
            if not path.name.endswith("-shm"):
                shutil.copy(path, crashed)
        self.teardown()
        self.folder = crashed
        self.heads.clear()
        self.connection = self._open()

    @invariant()
    def holds_what_was_written(self) -> None:
        for doc, entries in self.entries.items():
            state = read_state(self.connection, doc)
            assert read_entries(self.connection, doc, ZERO) == sorted(entries.items())
            assert (state.last, state.trimmed) == (self.bound[doc], self.trimmed[doc])
            assert (state.entries, state.size) == (len(entries), sum(map(len, entries.values())))
            middle = sorted(entries)[len(entries) // 2 :]
            if middle:
                above = read_entries(self.connection, doc, middle[0])
                assert [cursor for cursor, _ in above] == middle[1:]

    def teardown(self) -> None:
        self.connection.close()
        shutil.rmtree(self.folder)


def _folder() -> str:
    return tempfile.mkdtemp()


LogMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestLogMachine = LogMachine.TestCase


def test_a_head_that_was_never_written_counts_from_one() -> None:
    head = Head()
    given = [head.give(ZERO, b"x"), head.give(ZERO, b"x")]
    assert given == [Cursor(0, number * STRIDE + mark(b"x")) for number in (1, 2)]
