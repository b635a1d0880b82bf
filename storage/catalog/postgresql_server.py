"""The catalogue in PostgreSQL, which all nodes share."""

import re
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_CONNECTIONS = 5  # held per node
_MORE = 5  # opened under load
_HOST = r"(?:\[[^\]@/?#]*\]|[^@/?#:,\[\]]*)(?::\d*)?"  # or several, with commas between
_URL = re.compile(rf"postgres(?:ql)?://(?:[^@/?#]*@)?({_HOST}(?:,{_HOST})*(?:/[^@?#]*)?)(?:\?[^@#]*)?")


def name_of(url: str) -> str:
    """Host and database; strict, since a password in the wrong place would be shown.

    Raises ValueError when `url` is none of PostgreSQL's, without quoting it.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("not a URL of PostgreSQL")
    return match[1]


def open_engine(url: str, wait: float) -> AsyncEngine:
    """An engine on the database at `url`, in the form of libpq. `wait`: for a connection, seconds."""

    async def connect() -> Any:
        # asyncpg reads the URL itself, so that sslmode and the like mean what they mean to psql.
        return await asyncpg.connect(url, timeout=wait, server_settings={"application_name": "studyhub"})

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        pool_size=_CONNECTIONS,
        max_overflow=_MORE,
        pool_timeout=wait,
        pool_pre_ping=True,  # after a restart of PostgreSQL all pooled connections are dead
    )
