"""The catalogue in PostgreSQL, which all nodes share."""

from typing import Any
from urllib.parse import urlsplit

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_CONNECTIONS = 5  # held per node
_MORE = 5  # opened under load


def name_of(url: str) -> str:
    """Host and database, without the password. Raises ValueError when `url` is none of PostgreSQL's."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("not a URL of PostgreSQL")
    return parts.netloc.rpartition("@")[2] + parts.path


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
