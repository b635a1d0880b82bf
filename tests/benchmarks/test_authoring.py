import random
from pathlib import Path
from typing import Any

import pycrdt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.authoring import ROOT, Step, client_id, make_steps
from benchmarks.trace import Patch, Trace, Transaction, load
from collab.protocol.ywebsocket import decode_state_vector

TRACES = Path(__file__).parents[1] / "data" / "traces"


def _merged(steps: list[Step], order: list[int]) -> "pycrdt.Doc[Any]":
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    for index in order:
        doc.apply_update(steps[index].update)
    return doc


def _text(doc: "pycrdt.Doc[Any]") -> str:
    return str(doc.get(ROOT, type=pycrdt.Text))


def _shuffled(trace: Trace, choose: random.Random) -> list[int]:
    """Any order in which parents come before their children."""
    children: list[list[int]] = [[] for _ in trace.transactions]
    missing = [len(transaction.parents) for transaction in trace.transactions]
    for index, transaction in enumerate(trace.transactions):
        for parent in transaction.parents:
            children[parent].append(index)
    ready = [index for index, count in enumerate(missing) if not count]
    order = []
    while ready:
        order.append(ready.pop(choose.randrange(len(ready))))
        for child in children[order[-1]]:
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    return order


@pytest.mark.parametrize("authors", [1, 3, 5])
@pytest.mark.parametrize("name", ["automerge-paper-2000", "json-crdt-patch-2000", "sveltecomponent-2000"])
def test_the_steps_of_a_recorded_session_give_the_recorded_text(name: str, authors: int) -> None:
    trace = load(TRACES / f"{name}.json.gz")

    steps = make_steps(trace, authors, run=50)
    doc = _merged(steps, list(range(len(steps))))

    assert _text(doc) == trace.content
    assert {step.author for step in steps} == set(range(authors))
    clocks = {client_id(step.author): step.clock for step in steps}
    assert decode_state_vector(doc.get_state()) == clocks


@pytest.mark.parametrize("authors", [1, 5])
def test_a_concurrent_session_gives_the_recorded_text_in_every_causal_order(authors: int) -> None:
    trace = load(TRACES / "friendsforever.json.gz")

    steps = make_steps(trace, authors, run=300)

    for seed in range(2):
        order = _shuffled(trace, random.Random(seed))
        assert order != sorted(order)
        assert _text(_merged(steps, order)) == trace.content


@given(st.integers(1, 4), st.integers(1, 3), st.lists(st.integers(0, 2), max_size=12))
def test_an_author_awaits_exactly_the_parents_that_others_made(
    authors: int, run: int, deleted: list[int]
) -> None:
    first = Transaction(0, (), (Patch(0, 0, "x漢y" * 10),))
    later = [Transaction(0, (index,), (Patch(0, count, "é"),)) for index, count in enumerate(deleted)]
    trace = Trace(1, [first, *later], "")

    steps = make_steps(trace, authors, run)

    for index, step in enumerate(steps[1:], 1):
        assert step.author == (index // run) % authors
        assert step.awaits == ((index - 1,) if steps[index - 1].author != step.author else ())


def test_a_transaction_that_changes_nothing_is_an_empty_step() -> None:
    trace = Trace(1, [Transaction(0, (), (Patch(0, 0, ""),)), Transaction(0, (0,), (Patch(0, 0, "a"),))], "a")

    steps = make_steps(trace, 1, 1)

    assert [step.is_empty for step in steps] == [True, False]
