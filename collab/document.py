"""The live Yjs document of one material: pycrdt behind the validator and the causal gate. Pure.

pycrdt gets only updates whose every dependency is there, in an order in which it converges, and never
bytes that make it panic; `docs/crdt.md` lists what it does otherwise.
"""

from collections.abc import Container
from typing import Any

from pycrdt import Doc, TransactionEvent, merge_updates

from collab.errors import Poisoned
from collab.protocol.lib0 import uint
from collab.protocol.ywebsocket import decode_state_vector
from collab.updates import Admission, Index, InvalidUpdate, admit, concatenate, survey
from storage.state import holds

BIG = 32 << 10
"""Bytes of an update or a document above which a worker process parses it."""

GATHERED = 100
"""Updates that are applied in one transaction, at most."""

_MERGE_CHUNK = 100  # merge_updates is quadratic in the number of updates
EMPTY_STATE_VECTOR = b"\x00"
EMPTY_UPDATE = b"\x00\x00"


class Document:
    """One document.

    Attributes:
        clocks: the state vector (client id to next clock) of all that was applied.
        index: what the gate knows of all that was applied; None from `load` until it is surveyed. Nothing is
            admitted without it, so whoever surveys the state elsewhere may set it if it is still None.
        is_careful: whether updates are applied one by one, so that a poisonous one can be named.
        size: encoded bytes, estimated upwards between two measurements.
        revision: counts the applied updates.
    """

    __slots__ = (
        "_changed",
        "_doc",
        "_encoded",
        "_full",
        "_gathered",
        "_subscription",
        "_touched",
        "clocks",
        "index",
        "is_careful",
        "revision",
        "size",
    )

    def __init__(self) -> None:
        self._doc: Doc[Any] = Doc(client_id=1)  # never edits, so the id appears nowhere
        self._changed = False  # by the update that is being applied
        self._subscription = self._doc.observe(self._note_change)
        self._full: tuple[int, bytes] = (0, EMPTY_UPDATE)  # revision and state, for joiners to share
        self._gathered: list[bytes] = []  # admitted, in order, and to be applied in one transaction
        self._touched: set[int] = set()  # clients whose clocks changed since the last `verify`
        self._encoded: dict[int, bytes] = {}  # each client's part of the state vector, in pycrdt's order
        self.clocks: dict[int, int] = {}
        self.index: Index | None = Index()
        self.is_careful = False
        self.size = 0
        self.revision = 0

    def load(self, updates: list[bytes]) -> None:
        """Apply what storage holds, in its order. Raises Poisoned, also where it has a hole."""
        self._apply(*updates)
        self.revision += len(updates)
        if not all(holds(self._doc, update) for update in updates):
            raise Poisoned("stored content rests on content that is missing")
        self.clocks = decode_state_vector(self._doc.get_state())
        self._encoded.clear()
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
        """Take in the ready part of an admission; tells whether it changed anything. Raises Poisoned.

        Deletions of what is deleted change nothing: every step 2 holds all deletions of its document. New
        structs always do; they may be applied later, merged with others, which costs pycrdt much less: when
        the document is needed, at `verify` at the latest.
        """
        ready = admission.ready
        if ready is None:
            return False
        self.survey().learn(admission)
        if not admission.clocks:
            return self._apply_deletions(ready)
        clocks = self.clocks
        for client, clock in admission.clocks.items():
            if clock > clocks.get(client, 0):
                clocks[client] = clock
                self._touched.add(client)
        self._gathered.append(ready)
        self.revision += 1
        self.size += len(ready)
        if len(self._gathered) >= GATHERED:
            self._apply_gathered()
        return True

    def verify(self) -> bytes:
        """Check that pycrdt took in exactly what was applied; returns the state vector. Raises Poisoned."""
        state_vector = self._apply_gathered()
        encoded = self._encoded
        for client in self._touched:
            encoded[client] = uint(client) + uint(self.clocks[client])
        self._touched.clear()
        # pycrdt keeps its order until a client is new, so that the whole is rarely decoded.
        if state_vector != uint(len(self.clocks)) + b"".join(encoded.values()):
            decoded = decode_state_vector(state_vector)
            if decoded != self.clocks:
                raise Poisoned("the document took in less than was applied")
            self._encoded = {client: uint(client) + uint(clock) for client, clock in decoded.items()}
        return state_vector

    def state_vector(self) -> bytes:
        """The encoded state vector of all that was applied. Raises Poisoned."""
        return self._apply_gathered()

    def diff(self, state_vector: bytes) -> bytes:
        """What a client at `state_vector` lacks. Raises Poisoned."""
        if self._gathered:
            self._apply_gathered()
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

    def _apply_deletions(self, update: bytes) -> bool:
        if self._gathered:
            self._apply_gathered()
        self._changed = False
        self._apply(update)
        if self._changed:
            self.revision += 1
            self.size += len(update)
        return self._changed

    def _apply_gathered(self) -> bytes:
        gathered, self._gathered = self._gathered, []
        if len(gathered) < 2 or self.is_careful:
            return self._apply(*gathered)
        return self._apply(*gathered, joined=True)

    def _apply(self, *updates: bytes, joined: bool = False) -> bytes:
        """The state vector then, read in the same transaction: an empty one costs nearly as much.

        `joined`: as one update, since for each pycrdt walks over all clients; nobody is found guilty then.
        """
        suspect = b""
        try:
            if joined:
                updates = (merge(list(updates)),)
            with self._doc.transaction():
                for update in updates:
                    suspect = b"" if joined else update
                    self._doc.apply_update(update)
                return self._doc.get_state()
        except BaseException as error:
            # pycrdt's PanicException is no Exception; after any raise a part may have been applied.
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise Poisoned(f"pycrdt: {error}", suspect) from error

    def _note_change(self, _: TransactionEvent) -> None:
        self._changed = True


def merge(updates: list[bytes]) -> bytes:
    """One update equal to `updates`, which come in causal order."""
    if len(updates) > 1 and (joined := concatenate(updates)) is not None:
        return joined
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
