"""The causal gate: an update reaches pycrdt only when all that it builds on is there.

pycrdt 0.14 does not converge on updates that arrive too early and forgets what it holds back, so nothing
early is given to it. Pure; the caller keeps what is parked, bounds it, and tries again after each apply.
"""

from bisect import bisect_right
from collections.abc import Container, Mapping
from heapq import heappop, heappush

from collab.updates.admission import Admission
from collab.updates.content import DELETED, SKIP
from collab.updates.draft import Draft
from collab.updates.encode import encode
from collab.updates.errors import InvalidUpdate
from collab.updates.index import Index
from collab.updates.small import admit_small
from collab.updates.structs import Block, Deletes, Id, Parsed, Struct, parse

EMPTY = Index()
"""Of a document without content. Never learns."""

MAX_CLAIM = 2**24
"""New clock units that one update may take without bytes for them, by GC and Deleted structs.

Eleven bytes could otherwise use up a client id's clock. Honest deletions are sums of what was once typed or
pasted: this is an 8 MiB document written and deleted twice over, within one update.
"""


def admit(
    update: bytes,
    clocks: Mapping[int, int],
    held: Container[int] = (),
    index: Index = EMPTY,
) -> Admission:
    """Split `update` into what is ready for a document and what is not.

    `clocks` is the document's state vector: the next clock of each client. `held` are client ids that
    another live session owns: their new structs are not ready. `index` has learned of all that `clocks`
    covers.

    Ready are structs without a gap to their client's clock whose origin, right origin and parent are known
    or ready too, and deletions of known or ready content. What is known already is left out; if that is
    all, nothing is ready and nothing parked. What is ready fits the document: neighbours lie in one list,
    parents are types, at most MAX_DEPTH of them around each other, and no surrogate pair is split.

    Raises InvalidUpdate, and nothing else. O(n log n) in the number of structs.
    """
    return admit_small(update, clocks, held, index) or admit_any(update, clocks, held, index)


def admit_any(update: bytes, clocks: Mapping[int, int], held: Container[int], index: Index) -> Admission:
    """`admit` for updates of every shape."""
    parsed = parse(update)
    if parsed.claimed > MAX_CLAIM and _claimed(parsed, clocks) > MAX_CLAIM:
        raise InvalidUpdate("claim")
    gate = Gate(parsed.blocks, clocks, held, index)
    gate.run()
    ready, parked = _split_deletes(parsed.deletes, gate)
    if gate.whole() and not parked:
        return gate.admission(update if gate.clocks or ready else None, None)
    return gate.admission(encode(update, gate.ready(), ready), encode(update, gate.parked(), parked))


def _claimed(parsed: Parsed, clocks: Mapping[int, int]) -> int:
    """Clock units beyond `clocks` that GC and Deleted structs take."""
    claimed = 0
    for client, structs in parsed.blocks.values():
        known = clocks.get(client, 0)
        claimed += sum(max(0, s.end - max(known, s.clock)) for s in structs if s.kind <= DELETED)
    return claimed


class Gate:
    """One walk over the blocks of an update: each goes as far as what it needs is known.

    A block that stops waits in a heap for the one client whose clock it needs, so every reference is looked
    at a bounded number of times, however the authors' structs depend on each other.

    Attributes:
        clocks: clients that the update extends, and their next clock.
        draft: what it adds to the index.
    """

    def __init__(
        self,
        blocks: Mapping[int, Block],
        clocks: Mapping[int, int],
        held: Container[int],
        index: Index,
    ) -> None:
        self.clocks: dict[int, int] = {}
        self.draft = Draft(index)
        self._blocks = blocks
        self._known = clocks
        self._held = held
        # By client, how many structs from the block's start are known or ready.
        self._taken = dict.fromkeys(blocks, 0)
        # By client, a heap of (clock needed, client of the block that waits).
        self._waiting: dict[int, list[tuple[int, int]]] = {}
        # How many blocks are not taken whole.
        self._open = len(blocks)
        # Whether known structs, or Skips over them, are left out: nobody checked them against the document.
        self._lacks = False

    def run(self) -> None:
        """Take all that is ready."""
        todo = list(self._blocks.values())
        while todo:
            block = todo.pop()
            self._advance(block)
            heap = self._waiting.get(block.client)
            while heap and heap[0][0] < self.end(block.client):
                todo.append(self._blocks[heappop(heap)[1]])

    def whole(self) -> bool:
        """Whether the update's blocks can be applied as they are."""
        return not self._open and not self._lacks

    def ready(self) -> list[Block]:
        """The new structs that may go in. They are contiguous: no Skip can be among them."""
        return [self._fresh(block) for block in self._blocks.values() if block.client in self.clocks]

    def parked(self) -> list[Block]:
        """The structs that must wait."""
        rests = [self._rest(block) for block in self._blocks.values()]
        return [rest for rest in rests if rest.structs]

    def end(self, client: int) -> int:
        """The next clock of `client` once all that is ready has gone in."""
        return self.clocks.get(client) or self._known.get(client, 0)

    def admission(self, ready: bytes | None, parked: bytes | None) -> Admission:
        """The answer, with what the walk found out."""
        draft = self.draft
        return Admission(
            ready, parked, self.clocks, draft.base, tuple(draft.lists), draft.runs(), tuple(draft.lows)
        )

    def _advance(self, block: Block) -> None:
        client, structs = block
        end = self.end(client)
        at = self._taken[client]
        while at < len(structs):
            struct = structs[at]
            if struct.end <= end:
                self._lacks = True
            elif struct.kind == SKIP or struct.clock > end or client in self._held:
                break
            elif struct.needs and (missing := self._missing(struct)):
                heappush(self._waiting.setdefault(missing[0], []), (missing[1], client))
                break
            else:
                self.draft.add(client, end, struct)
                end = self.clocks[client] = struct.end
            at += 1
        else:
            self._open -= 1
        self._taken[client] = at

    def _missing(self, struct: Struct) -> Id | None:
        for need in struct.needs:
            if need[1] >= self.end(need[0]):
                return need
        return None

    def _fresh(self, block: Block) -> Block:
        client, structs = block
        taken = self._taken[client]
        first = bisect_right(structs, self._known.get(client, 0), hi=taken, key=_end)
        return Block(client, structs[first:taken])

    def _rest(self, block: Block) -> Block:
        client, structs = block
        first, last = self._taken[client], len(structs)
        while first < last and structs[first].kind == SKIP:
            first += 1
        while first < last and structs[last - 1].kind == SKIP:
            last -= 1
        return Block(client, structs[first:last])


def _end(struct: Struct) -> int:
    return struct.end


def _split_deletes(deletes: Deletes, gate: Gate) -> tuple[Deletes, Deletes]:
    """The ranges below the clocks that `gate` came to, and the rest. Raises InvalidUpdate."""
    ready: Deletes = {}
    parked: Deletes = {}
    for client, ranges in deletes.items():
        known = gate.end(client)
        for clock, length in ranges:
            cut = min(max(known - clock, 0), length)
            if cut:
                gate.draft.check_cut(client, clock)
                gate.draft.check_cut(client, clock + cut)
                ready.setdefault(client, []).append((clock, cut))
            if cut < length:
                parked.setdefault(client, []).append((clock + cut, length - cut))
    return ready, parked
