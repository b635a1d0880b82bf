"""A document once more, entry by entry: only so it can be told what an entry took away.

A delete set does not say what it deletes anew: a client that reconnects sends all deletions that it knows of,
also those that came by merging alone. pycrdt tells what a transaction deleted.
"""

from typing import Any

from pycrdt import Doc, TransactionEvent

from collab.document import EMPTY_STATE_VECTOR, EMPTY_UPDATE
from collab.updates import parse
from collab.updates.structs import Deletes
from storage.state import holds

LOST = b""
"""The state of a document that cannot be told: entries before are missing."""


class Replay:
    """A document at `state`, a Yjs update, or LOST."""

    def __init__(self, state: bytes = EMPTY_UPDATE) -> None:
        self._changes = EMPTY_UPDATE  # of the last transaction
        self._doc: Doc[Any] | None = None
        if state != LOST:
            self._open(state)

    @property
    def state(self) -> bytes:
        """The document as one update; LOST where it cannot be told."""
        return LOST if self._doc is None else self._doc.get_update(EMPTY_STATE_VECTOR)

    def apply(self, update: bytes) -> Deletes | None:
        """What `update` deletes anew; None where that cannot be told, now or from here on."""
        if self._doc is None:
            return None
        self._changes = EMPTY_UPDATE
        try:
            self._doc.apply_update(update)
            whole = holds(self._doc, update)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - a Rust panic is no Exception
            whole = False
        if not whole:
            self._doc = None
            return None
        return parse(self._changes).deletes

    def resume(self, state: bytes) -> Deletes | None:
        """Go on from a snapshot, a whole state; returns as `apply`."""
        if self._doc is None:
            self._open(EMPTY_UPDATE)
        return self.apply(state)

    def _open(self, state: bytes) -> None:
        doc: Doc[Any] = Doc(client_id=1)  # never edits
        doc.apply_update(state)
        self._subscription = doc.observe(self._note)
        self._doc = doc

    def _note(self, event: TransactionEvent) -> None:
        self._changes = event.update
