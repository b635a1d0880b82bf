"""The live Yjs document of one material: pycrdt behind the validator and the causal gate. Pure.

pycrdt gets only updates whose every dependency is there, in an order in which it converges, and never
bytes that make it panic; `docs/crdt.md` lists what it does otherwise.
"""

from collections.abc import Container
from typing import Any

from pycrdt import Doc, TransactionEvent, merge_updates

from collab.errors import Poisoned
from collab.protocol.ywebsocket import decode_state_vector
from collab.updates import Admission, Index, InvalidUpdate, admit, survey
from storage.state import holds

BIG = 32 << 10
"""Bytes of an update or a document above which a worker process parses it."""

_MERGE_CHUNK = 100  # merge_updates is quadratic in the number of updates
EMPTY_STATE_VECTOR = b"\x00"
EMPTY_UPDATE = b"\x00\x00"


class Document:
    """One document.

    Attributes:
        clocks: the state vector (client id to next clock) of all that was applied.
        index: what the gate knows of all that was applied; None from `load` until it is surveyed. Nothing is
            admitted without it, so whoever surveys the state elsewhere may set it if it is still None.
        size: encoded bytes, estimated upwards between two measurements.
        revision: counts the applied updates.
    """

    __slots__ = ("_changed", "_doc", "_full", "_subscription", "clocks", "index", "revision", "size")

    def __init__(self) -> None:
        self._doc: Doc[Any] = Doc(client_id=1)  # never edits, so the id appears nowhere
        self._changed = False  # by the update that is being applied
        self._subscription = self._doc.observe(self._note_change)
        self._full: tuple[int, bytes] = (0, EMPTY_UPDATE)  # revision and state, for joiners to share
        self.clocks: dict[int, int] = {}
        self.index: Index | None = Index()
        self.size = 0
        self.revision = 0

    def load(self, updates: list[bytes]) -> None:
        """Apply what storage holds, in its order. Raises Poisoned, also where it has a hole."""
        for update in updates:
            self._apply(update)
        if not all(holds(self._doc, update) for update in updates):
            raise Poisoned("stored content rests on content that is missing")
        self.clocks = decode_state_vector(self._doc.get_state())
        self.size = sum(map(len, updates))
        if updates:
            self.index = None

    def survey(self) -> Index:
        """The index, made here and now if there is none: 0.3 seconds for 1 MiB. Raises Poisoned."""
        if self.index is None:
            try:
                self.index = survey([self.diff(EMPTY_STATE_VECTOR)])
            except InvalidUpdate as error:
                raise Poisoned(f"stored content is refused: {error}") from error
        return self.index

    def admit(self, update: bytes, held: Container[int] = ()) -> Admission:
        """What of `update` can be applied now. Raises InvalidUpdate, and Poisoned as `survey`."""
        return admit(update, self.clocks, held, self.survey())

    def apply(self, admission: Admission) -> bool:
        """Apply the ready part of an admission; tells whether it changed anything. Raises Poisoned.

        Deletions of what is deleted change nothing: every step 2 holds all deletions of its document.
        """
        ready = admission.ready
        if ready is None:
            return False
        index = self.survey()
        self._changed = False
        self._apply(ready)
        index.learn(admission)
        clocks = self.clocks
        for client, clock in admission.clocks.items():
            if clock > clocks.get(client, 0):
                clocks[client] = clock
        if self._changed:
            self.size += len(ready)
        return self._changed

    def verify(self) -> bytes:
        """Check that pycrdt took in exactly what was applied; returns the state vector. Raises Poisoned."""
        state_vector = self._doc.get_state()
        if decode_state_vector(state_vector) != self.clocks:
            raise Poisoned("the document took in less than was applied")
        return state_vector

    def state_vector(self) -> bytes:
        """The encoded state vector of all that was applied."""
        return self._doc.get_state()

    def diff(self, state_vector: bytes) -> bytes:
        """What a client at `state_vector` lacks."""
        if state_vector != EMPTY_STATE_VECTOR:
            return self._doc.get_update(state_vector)
        revision, state = self._full
        if revision != self.revision:
            state = self._doc.get_update()
            self._full = (self.revision, state)
            self.size = len(state)
        return state

    def measure(self) -> int:
        """Encoded bytes, exactly."""
        return len(self.diff(EMPTY_STATE_VECTOR))

    def _apply(self, update: bytes) -> None:
        try:
            self._doc.apply_update(update)
        except BaseException as error:
            # pycrdt's PanicException is no Exception; after any raise a part may have been applied.
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise Poisoned(f"pycrdt: {error}") from error
        self.revision += 1

    def _note_change(self, _: TransactionEvent) -> None:
        self._changed = True


def merge(updates: list[bytes]) -> bytes:
    """One update equal to `updates`, which come in causal order."""
    while len(updates) > 1:
        updates = [
            merge_updates(*updates[start : start + _MERGE_CHUNK])
            for start in range(0, len(updates), _MERGE_CHUNK)
        ]
    return updates[0]


def check_in_worker(updates: list[bytes]) -> None:
    """Load, encode and reload a document that is suspected of killing its process. Raises Poisoned."""
    suspect = Document()
    suspect.load(updates)
    again = Document()
    again.load([suspect.diff(EMPTY_STATE_VECTOR)])
    again.verify()
