"""A StudyHub server whose log lies: `python -m tests.faults.lying_server serve`, with its usual options.

The checker must catch each of the lies; STUDYHUB_LIE says which one it is.
"""

import asyncio
import os
from unittest import mock

from starlette.applications import Starlette

from collab import cli, server
from collab.app import create_app
from collab.backends import Backends
from collab.settings import Settings
from storage.base import Outcome
from storage.errors import StorageError
from storage.file_objects import FileObjects
from storage.format import decode_entry
from storage.head import STRIDE
from storage.sqlite_log import SqliteLog
from storage.values import ZERO, Cursor, Level

_LATE = 0.2  # seconds
_EACH = 20  # appends, of which one is lied about


class _Nobody:
    """The outcome of an append that was promised already."""

    def recorded(self, cursor: Cursor) -> None:
        """Nobody waits for it."""

    def reached(self, level: Level) -> None:
        """Nobody waits for it."""

    def failed(self, error: StorageError) -> None:
        """Nobody waits for it."""


class EarlyLog(SqliteLog):
    """Says that an entry is recorded and synced at once, and appends it a while later."""

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        promise(Cursor(after.epoch, after.sequence + STRIDE), outcome)
        asyncio.get_running_loop().call_later(_LATE, self._append_late, doc, entry)

    def _append_late(self, doc: str, entry: bytes) -> None:
        # After ZERO: the cursors that were promised are not those that the entries get.
        super().append(doc, entry, ZERO, _Nobody())


class ForgetfulLog(SqliteLog):
    """Forgets one entry in so many, having said that it is recorded and synced."""

    _appends = 0

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        self._appends += bool(decode_entry(entry).parts)
        if self._appends % _EACH == _EACH - 1:
            promise(Cursor(after.epoch, after.sequence + STRIDE), outcome)
        else:
            super().append(doc, entry, ZERO, outcome)


class LeakyLog(SqliteLog):
    """Appends the entries of all documents to the first one as well."""

    _first = ""

    def append(self, doc: str, entry: bytes, after: Cursor, outcome: Outcome, *, heals: bool = False) -> None:
        """See UpdateLog."""
        super().append(doc, entry, after, outcome, heals=heals)
        self._first = self._first or doc
        if doc != self._first:
            super().append(self._first, entry, ZERO, _Nobody())


LIES: dict[str, type[SqliteLog]] = {"early": EarlyLog, "forgetful": ForgetfulLog, "leaky": LeakyLog}
"""The lies by name."""


def promise(cursor: Cursor, outcome: Outcome) -> None:
    """Tell `outcome` what is not so."""

    def tell() -> None:
        outcome.recorded(cursor)
        outcome.reached(Level.SYNCED)

    asyncio.get_running_loop().call_soon(tell)


def _create_lying_app(settings: Settings) -> Starlette:
    log = LIES[os.environ["STUDYHUB_LIE"]]
    return create_app(
        settings, Backends(log(settings.data / "log.db"), FileObjects(settings.data / "objects"))
    )


if __name__ == "__main__":
    with mock.patch.object(server, "create_app", _create_lying_app):
        cli.main()
