"""The catalogue in one SQLite file, which several processes of one machine may open."""

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.disk import sync_folder

_CONNECTIONS = 4  # each is a thread


def create(path: Path) -> None:
    """Make an empty database readable by its owner only, unless there is one. Raises OSError, sqlite3.Error.

    It gets its name when it is in WAL mode already: switching the mode of a file that another process has
    open fails now and then. Blocking.
    """
    if path.exists():
        return
    unfinished = path.with_name(f"{path.name}.new-{secrets.token_hex(8)}")
    try:
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        with suppress(FileExistsError):  # another process was faster
            os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def open_engine(path: Path, wait: float) -> AsyncEngine:
    """An engine on a database that exists. `wait`: longest wait for a lock or a connection, seconds.

    Its execution option `patience` replaces that for the lock that a transaction begins with.
    """
    # mode=rw: a database that vanished under a running server must not be replaced by an empty one.
    url = URL.create(
        "sqlite+aiosqlite",
        database=f"file:{quote(str(path.absolute()))}",
        query={"mode": "rw", "uri": "true"},
    )
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=wait,
        connect_args={"timeout": wait},
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", partial(_on_begin, wait=wait))
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 would begin too late; _on_begin does it
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection, wait: float) -> None:
    """A transaction that writes takes the lock first: one that asks for it later fails without waiting."""
    options = connection.get_execution_options()
    begin = "BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN"
    if "patience" not in options:
        connection.exec_driver_sql(begin)
        return
    _set_wait(connection, options["patience"])
    try:
        connection.exec_driver_sql(begin)
    finally:
        _set_wait(connection, wait)


def _set_wait(connection: Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
