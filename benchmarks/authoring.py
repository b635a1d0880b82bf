"""Turns a recorded session into Yjs updates, each made on exactly the state that its author saw."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pycrdt

from benchmarks.code_points import CodePointText
from benchmarks.trace import Trace, Transaction

ROOT = "text"
"""The name of the shared text."""

_EMPTY = b"\x00\x00"  # an update without content


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction as an update.

    Attributes:
        author: index of the author; the update's client id is `client_id(author)`.
        clock: that client's clock after it.
        update: the bytes; EMPTY ones change nothing.
        awaits: indexes of the parents that other authors made.
    """

    author: int
    clock: int
    update: bytes
    awaits: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was inserted or deleted."""
        return self.update == _EMPTY

    @property
    def is_deletion(self) -> bool:
        """Whether it only deletes: such an update moves no clock."""
        return self.update[0] == 0


def client_id(author: int) -> int:
    """The Yjs client id of an author."""
    return author + 1


def make_steps(trace: Trace, authors: int, run: int, done: Callable[[], object] = lambda: None) -> list[Step]:
    """The steps of a session that is dealt out to `authors` (at least one per agent).

    An agent's transactions go to its authors in turn, `run` at a time. `done` is called after each.
    Where two agents insert at the same place at the same time, Yjs puts the lower client id first; the
    recorded texts have the lower agent first, so the authors are numbered agent by agent.
    """
    authors = max(authors, trace.agents)
    writers = [_Author(index, len(trace.transactions)) for index in range(authors)]
    dealt: defaultdict[int, Iterator[int]] = defaultdict(count)
    steps: list[Step] = []
    for transaction in trace.transactions:
        own = _authors_of(transaction.agent, trace.agents, authors)
        turn = next(dealt[transaction.agent]) // run
        writer = writers[own[turn % len(own)]]
        steps.append(writer.write(transaction, trace.transactions, steps))
        done()
    return steps


def _authors_of(agent: int, agents: int, authors: int) -> range:
    return range(agent * authors // agents, (agent + 1) * authors // agents)


class _Author:
    """A document that holds exactly the past of what it writes next."""

    def __init__(self, index: int, transactions: int) -> None:
        self._index = index
        self._clock = 0
        self._known = bytearray(transactions)  # 1: the document holds this transaction
        self._doc: pycrdt.Doc[Any] = pycrdt.Doc(client_id=client_id(index))
        root = self._doc.get(ROOT, type=pycrdt.Text)
        self._text = CodePointText(root)
        self._updates: list[bytes] = []
        self._subscription = self._doc.observe(lambda event: self._updates.append(event.update))

    def write(self, transaction: Transaction, transactions: list[Transaction], steps: list[Step]) -> Step:
        """Bring the document to the transaction's parents, then make it."""
        self._catch_up(transaction.parents, transactions, steps)
        self._updates.clear()
        with self._doc.transaction():
            for patch in transaction.patches:
                self._text.splice(patch.position, patch.deleted, patch.inserted)
        self._known[len(steps)] = 1
        # Yjs counts UTF-16 code units.
        self._clock += sum(len(patch.inserted.encode("utf-16-le")) // 2 for patch in transaction.patches)
        awaits = tuple(parent for parent in transaction.parents if steps[parent].author != self._index)
        update = self._updates[0] if self._updates else _EMPTY
        return Step(self._index, self._clock, update, awaits)

    def _catch_up(self, parents: Iterable[int], transactions: list[Transaction], steps: list[Step]) -> None:
        missing = []
        open_ends = list(parents)
        while open_ends:
            index = open_ends.pop()
            if not self._known[index]:
                self._known[index] = 1
                missing.append(index)
                open_ends.extend(transactions[index].parents)
        for index in sorted(missing):
            self._doc.apply_update(steps[index].update)
        if missing:
            self._text.refresh()
