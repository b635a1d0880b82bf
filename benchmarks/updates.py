"""Microseconds an update for the validator and gate, and for pycrdt: python -m benchmarks.updates.

Behind the table: what opening the full state costs beside, its index.
"""

import pickle
import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import process_time_ns
from typing import Any, NamedTuple

from pycrdt import Doc, Map, Text, TransactionEvent, XmlElement, XmlFragment, XmlText

from collab.updates import admit, parse, survey

REPEATS = 7
STATE_BYTES = 92_000
"""Size of the full state: a long study guide."""


class Case(NamedTuple):
    """An update, and the document that it is ready for."""

    name: str
    update: bytes
    before: bytes


def cases() -> Iterator[Case]:
    """The updates that editors send most, and a full state."""
    doc: Doc[Any] = Doc(client_id=3_141_592_653)
    doc.get("text", type=Text).insert(0, "The mitochondrion is the powerhouse of the cell. ")
    doc.get("map", type=Map)["title"] = "Biology"
    doc.get("xml", type=XmlFragment).children.append(XmlElement("heading"))
    yield _case("one insert", doc, lambda: doc.get("text", type=Text).insert(20, "x"))
    yield _case("one delete", doc, lambda: doc.get("text", type=Text).__delitem__(slice(10, 11)))
    yield _case("map set", doc, lambda: doc.get("map", type=Map).__setitem__("title", "Cells"))
    yield _case("paragraph", doc, lambda: _add_paragraph(doc))
    yield Case("full state", _state(), b"\x00\x00")


def _case(name: str, doc: Doc[Any], edit: Callable[[], object]) -> Case:
    before = doc.get_update()
    sent: list[bytes] = []

    def keep(event: TransactionEvent) -> None:
        sent.append(event.update)

    subscription = doc.observe(keep)
    edit()
    doc.unobserve(subscription)
    return Case(name, sent[0], before)


def _add_paragraph(doc: Doc[Any]) -> None:
    with doc.transaction():
        paragraph = doc.get("xml", type=XmlFragment).children.append(XmlElement("paragraph"))
        paragraph.children.append(XmlText("A cell has a membrane."))


def _state() -> bytes:
    """Paragraphs by two authors who also correct each other."""
    ann: Doc[Any] = Doc(client_id=2_718_281_828)
    ben: Doc[Any] = Doc(client_id=3_141_592_653)
    round_ = 0
    while len(state := ann.get_update()) < STATE_BYTES:
        for doc, other in ((ann, ben), (ben, ann)):
            for _ in range(10):
                _add_paragraph(doc)
            children = doc.get("xml", type=XmlFragment).children
            text = children[round_ % len(children)].children[0]
            text.insert(5, "small ")
            del text[0:2]
            other.apply_update(doc.get_update(other.get_state()))
        round_ += 1
    return state


def _clocks(state: bytes) -> dict[int, int]:
    return {client: block.structs[-1].end for client, block in parse(state).blocks.items()}


def measure(call: Callable[[], object]) -> float:
    """Microseconds of processor time for one call: the median of several repeats of at least 20 ms each."""
    count = 1
    while (took := _time(call, count)) < 20_000_000:
        count = max(count * 2, count * 20_000_000 // max(took, 1))
    return median(_time(call, count) for _ in range(REPEATS)) / count / 1000


def _time(call: Callable[[], object], count: int) -> int:
    start = process_time_ns()
    for _ in range(count):
        call()
    return process_time_ns() - start


def measure_apply(case: Case) -> float:
    """Microseconds of pycrdt's `apply_update`: the median over fresh documents, which take it only once."""
    took = []
    for _ in range(REPEATS * 3):
        doc: Doc[Any] = Doc()
        doc.apply_update(case.before)
        took.append(_time(lambda doc=doc: doc.apply_update(case.update), 1))  # type: ignore[misc]
    return median(took) / 1000


def describe_index(state: bytes) -> str:
    """Time to make and to copy the index of `state`, and how large it travels from a worker."""
    index = survey([state])
    made, copied = measure(lambda: survey([state])), measure(index.copy)
    return f"index: {made / 1000:.1f} ms to survey, {copied:.0f} us to copy, {len(pickle.dumps(index))} bytes"


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{'update':<12}{'bytes':>8}{'admit, us':>12}{'apply, us':>12}\n")
    for case in cases():
        clocks, index = _clocks(case.before), survey([case.before])
        admitted = measure(lambda: admit(case.update, clocks, index=index))  # noqa: B023
        applied = measure_apply(case)
        sys.stdout.write(f"{case.name:<12}{len(case.update):>8}{admitted:>12.1f}{applied:>12.1f}\n")
    sys.stdout.write(describe_index(_state()) + "\n")


if __name__ == "__main__":
    main()
