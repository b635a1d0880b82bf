"""Answers to requests that came with a key of the client's own, to be given again for a day."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, select, update

from storage.catalog import tables
from storage.catalog.database import Database

_KEPT = 24 * 3600 * 1000  # milliseconds
_LONGEST_RUN = 60 * 1000  # milliseconds after which a request without an answer counts as lost with its node
_RUNNING = 0  # the status of a row without an answer yet

_row = tables.idempotency.c


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request with the key was answered."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key came with another request before."""


@dataclass(frozen=True, slots=True)
class Running:
    """The first request with the key has no answer yet."""


class Idempotency:
    """Keys of requests, each user's own. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, user: str, key: str, request: bytes, now: int
    ) -> Answer | Mismatch | Running | None:
        """None: the caller is the first with this `key` and has to `keep` or `release` it.

        `request` is a hash of the request, `now` the Unix time in milliseconds. Of callers at the same
        moment, on whatever node, one gets None.
        """
        row = {
            "user": user,
            "key": key,
            "request": request,
            "status": _RUNNING,
            "body": b"",
            "expires": now + _LONGEST_RUN,
        }
        async with self._database.write("claim idempotency key") as connection:
            await connection.execute(delete(tables.idempotency).where(_row.expires <= now))
            claimed = await connection.execute(
                self._database.insert_new(tables.idempotency).values(row).returning(_row.key)
            )
            if claimed.one_or_none() is not None:
                return None
            found = (await connection.execute(select(tables.idempotency).where(_of(user, key)))).one_or_none()
        if found is None or found.request != request:
            return Running() if found is None else Mismatch()
        return Running() if found.status == _RUNNING else Answer(found.status, found.body)

    async def keep(self, user: str, key: str, status: int, body: bytes, now: int) -> None:
        """The answer of a claimed request, to be given again for 24 hours."""
        answer = {"status": status, "body": body, "expires": now + _KEPT}
        async with self._database.write("keep idempotent answer") as connection:
            await connection.execute(update(tables.idempotency).where(_of(user, key)).values(answer))

    async def release(self, user: str, key: str) -> None:
        """Let a claimed request that came to nothing be tried again."""
        mine = and_(_of(user, key), _row.status == _RUNNING)
        async with self._database.write("release idempotency key") as connection:
            await connection.execute(delete(tables.idempotency).where(mine))


def _of(user: str, key: str) -> ColumnElement[bool]:
    return and_(_row.user == user, _row.key == key)
