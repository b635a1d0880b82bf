"""What the errors of SQLAlchemy and the drivers mean to the caller: Unavailable, and what to do about it."""

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.errors import Unavailable
from storage.sqlite_tables import unavailable as sqlite_unavailable

FAILURES = (SQLAlchemyError, OSError)
"""What a driver or SQLAlchemy raises, and asyncio.timeout; refused connections are OSErrors."""

_REACH = "check that PostgreSQL runs there and can be reached"
_LOGIN = "check the user and the password in STUDYHUB_DATABASE_URL"
_GRANT = "let the user create tables: GRANT CREATE, USAGE ON SCHEMA public"
_HINTS = {
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "25006": "this server is a read-only standby; give the address of the primary",
    "28000": _LOGIN,
    "28P01": _LOGIN,
    "3D000": "create the database, or correct its name in STUDYHUB_DATABASE_URL",
    "3F000": _GRANT,
    "42501": _GRANT,
    "53100": "free some disk space on the database server",
    "53300": "raise max_connections of PostgreSQL, or run fewer nodes",
    "57P03": "PostgreSQL is starting or stopping; try again",
}


def unavailable(operation: str, name: str, error: Exception) -> Unavailable:
    """One of FAILURES as the error of storage; no statement, no row and no password in its text."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        return sqlite_unavailable(operation, name, cause)
    if isinstance(error, PoolTimeout):
        return Unavailable(operation, name, "all connections are in use", hint="try again")
    if isinstance(error, TimeoutError):
        return Unavailable(operation, name, "no answer in time", hint=_REACH)
    if isinstance(cause, OSError):
        return Unavailable(operation, name, cause.strerror or cause, hint=_REACH)
    return Unavailable(operation, name, _first_line(cause), hint=_HINTS.get(_state(cause), ""))


def _state(cause: BaseException) -> str:
    return getattr(cause, "sqlstate", None) or getattr(cause.__cause__, "sqlstate", None) or ""


def _first_line(cause: BaseException) -> str:
    """The driver's own words; the lines below quote values of the row."""
    return str(cause.__cause__ or cause).partition("\n")[0]
