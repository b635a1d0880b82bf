"""The tables of the SQLite log, and what is done to them. Blocking; call it off the event loop.

`documents` holds one row of cursors per document and outlives the entries, `entries` one row per entry. The
newest cursor given out is that of the newest entry; where entries are gone, the one in the document's row. So
an append writes one page.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from storage.errors import Unavailable
from storage.head import Head
from storage.values import ZERO, Cursor, LogState, Position

VERSION = 2
"""Version of the tables, stored as SQLite's user_version."""

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    given_epoch INTEGER NOT NULL, given_sequence INTEGER NOT NULL,
    floor_epoch INTEGER NOT NULL, floor_sequence INTEGER NOT NULL,
    trimmed_epoch INTEGER NOT NULL, trimmed_sequence INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS entries (
    document INTEGER NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    time INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (document, epoch, sequence)
) STRICT, WITHOUT ROWID;
"""
_FROM_VERSION_1 = """
ALTER TABLE entries RENAME TO entries_1;
CREATE TABLE entries (
    document INTEGER NOT NULL,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    time INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (document, epoch, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO entries SELECT document, epoch, sequence, time, data FROM entries_1;
DROP TABLE entries_1;
"""
_HEAD = """
SELECT id, given_epoch, given_sequence, floor_epoch, floor_sequence, trimmed_epoch, trimmed_sequence
FROM documents WHERE name = ?
"""
_NEWEST = """
SELECT epoch, sequence FROM entries WHERE document = ? ORDER BY epoch DESC, sequence DESC LIMIT 1
"""
_SAVE_HEAD = """
UPDATE documents SET given_epoch = ?, given_sequence = ?, floor_epoch = ?, floor_sequence = ?,
    trimmed_epoch = ?, trimmed_sequence = ? WHERE id = ?
"""
_HINTS = {
    sqlite3.SQLITE_FULL: "free some disk space",
    sqlite3.SQLITE_READONLY: "make the data folder writable",
    sqlite3.SQLITE_CANTOPEN: "check that the data folder is there and writable",
    sqlite3.SQLITE_BUSY: "another program holds the database",
    sqlite3.SQLITE_CORRUPT: "restore the database from a backup",
    sqlite3.SQLITE_NOTADB: "restore the database from a backup",
}


def open_database(path: Path, *, create: bool, busy_seconds: float) -> sqlite3.Connection:
    """A connection in WAL mode to a database that has the tables; one thread at a time may use it.

    Raises sqlite3.Error, Unavailable for tables of a newer version. Without `create` a database that is not
    there is an error: one that vanished under a running server must not be replaced by an empty one.
    """
    mode = "rwc" if create else "rw"
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=busy_seconds, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        # The writer checkpoints when nobody waits for it.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        _make_tables(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise Unavailable(
            "open log", str(path), f"its tables have version {version}", hint="upgrade StudyHub"
        )
    if version < VERSION:
        change = _FROM_VERSION_1 if version else _TABLES
        connection.executescript(f"BEGIN IMMEDIATE; {change} PRAGMA user_version = {VERSION}; COMMIT;")


def unavailable(operation: str, doc: str, error: Exception) -> Unavailable:
    """What a failed operation on the database means to its caller."""
    if isinstance(error, Unavailable):
        return Unavailable(operation, doc, error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return Unavailable(operation, doc, error, hint=_HINTS.get(code, ""))


def read_state(connection: sqlite3.Connection, doc: str) -> LogState:
    """Where the log of `doc` stands. Raises sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        row = connection.execute(_HEAD, (doc,)).fetchone()
        if row is None:
            return LogState(ZERO, ZERO, 0, 0, 0)
        head = _head(connection, row)
        held = "SELECT count(*), coalesce(sum(length(data)), 0), coalesce(min(time), 0) FROM entries"
        entries, size, oldest = connection.execute(held + " WHERE document = ?", (row[0],)).fetchone()
        return LogState(head.last, head.trimmed, entries, size, oldest)
    finally:
        connection.execute("COMMIT")


def read_entries(connection: sqlite3.Connection, doc: str, after: Cursor) -> list[tuple[Cursor, bytes]]:
    """The entries of `doc` above `after`, ascending. Raises sqlite3.Error."""
    rows = connection.execute(
        "SELECT epoch, sequence, data FROM entries JOIN documents ON documents.id = document"
        " WHERE name = ? AND (epoch, sequence) > (?, ?) ORDER BY epoch, sequence",
        (doc, *after),
    )
    return [(Cursor(epoch, sequence), data) for epoch, sequence, data in rows]


def read_positions(connection: sqlite3.Connection, docs: Sequence[str]) -> list[Position]:
    """Where the logs of `docs` stand. Raises sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        heads = (connection.execute(_HEAD, (doc,)).fetchone() for doc in docs)
        return [Position(ZERO, ZERO) if row is None else _position(_head(connection, row)) for row in heads]
    finally:
        connection.execute("COMMIT")


def read_documents(connection: sqlite3.Connection) -> list[str]:
    """The names of all documents, sorted. Raises sqlite3.Error."""
    return sorted(name for (name,) in connection.execute("SELECT name FROM documents"))


Heads = dict[str, tuple[int, Head]]
"""By document: its row id and where its log stands."""


class Transaction:
    """One write transaction over any number of documents; `commit` or leave it to be rolled back.

    All methods raise sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection, now: int, heads: Heads) -> None:
        """`heads` are those of earlier transactions, if nobody else writes; worthless when this one fails."""
        self._connection = connection
        self._now = now  # Unix time in milliseconds, of every entry of the transaction
        self._heads = heads
        self._moved: Heads = {}  # documents whose rows have to be written
        connection.execute("BEGIN IMMEDIATE")

    def append(self, doc: str, entry: bytes, after: Cursor, *, heals: bool) -> Cursor | None:
        """Add one entry; its cursor, None where `after` is lost and the entry does not heal that."""
        row, head = self._head(doc)
        if not heals and after > head.trimmed and after != head.given and not self._holds(row, after):
            return None
        cursor = head.give(after, entry)
        self._connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (row, *cursor, self._now, entry)
        )
        return cursor

    def raise_floor(self, doc: str, floor: Cursor) -> Cursor:
        """As UpdateLog.raise_floor; the resulting `last`."""
        _, head = self._moved[doc] = self._head(doc)
        head.raise_floor(floor)
        return head.last

    def trim(self, doc: str, upto: Cursor) -> Cursor:
        """As UpdateLog.trim; the resulting trim marker."""
        row, head = self._moved[doc] = self._head(doc)
        head.trim(upto)
        self._connection.execute(
            "DELETE FROM entries WHERE document = ? AND (epoch, sequence) <= (?, ?)", (row, *upto)
        )
        return head.trimmed

    def _holds(self, row: int, cursor: Cursor) -> bool:
        found = "SELECT 1 FROM entries WHERE (document, epoch, sequence) = (?, ?, ?)"
        return self._connection.execute(found, (row, *cursor)).fetchone() is not None

    def commit(self) -> None:
        """Make it last."""
        rows = [(*head.given, *head.floor, *head.trimmed, row) for row, head in self._moved.values()]
        if rows:
            self._connection.executemany(_SAVE_HEAD, rows)
        self._connection.execute("COMMIT")

    def _head(self, doc: str) -> tuple[int, Head]:
        if doc not in self._heads:
            row = self._connection.execute(_HEAD, (doc,)).fetchone()
            if row is None:
                new = (
                    "INSERT INTO documents VALUES (NULL, ?, 0, 0, 0, 0, 0, 0) RETURNING id, 0, 0, 0, 0, 0, 0"
                )
                row = self._connection.execute(new, (doc,)).fetchone()
            self._heads[doc] = (row[0], _head(self._connection, row))
        return self._heads[doc]


def _position(head: Head) -> Position:
    return Position(head.last, head.trimmed)


def _head(connection: sqlite3.Connection, row: tuple[int, ...]) -> Head:
    document, *cursors = row
    newest = connection.execute(_NEWEST, (document,)).fetchone()
    given = max(Cursor(*cursors[0:2]), Cursor(*newest) if newest else ZERO)
    return Head(given, Cursor(*cursors[2:4]), Cursor(*cursors[4:6]))
