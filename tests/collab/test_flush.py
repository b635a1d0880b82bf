"""Batches, and what becomes of them in the log."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc

from collab.document import Document
from collab.flush import Batch
from storage.format import encode_entry
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.values import ZERO, Cursor, Level


class _Ignore:
    def recorded(self, cursor: Cursor) -> None: ...

    def reached(self, level: Level) -> None: ...

    def failed(self, error: Exception) -> None:
        raise error


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans()), min_size=1, max_size=60))
def test_a_stored_batch_gives_back_the_document_however_its_authors_alternate(
    steps: list[tuple[int, int, bool]],
) -> None:
    """Each author writes on top of the others, so the merged parts rest on each other both ways."""
    authors: list[Doc[Any]] = [Doc(client_id=10 + number) for number in range(3)]
    batch = Batch(1)
    for number, (who, place, starts_new) in enumerate(steps):
        doc = authors[who]
        before = doc.get_state()
        array = doc.get("a", type=Array)
        if starts_new and len(array):
            del array[place % len(array)]
        array.insert(min(place, len(array)), f"{who}.{number}")
        update = doc.get_update(before)
        batch.add(who, f"author {who}", update, [doc.client_id])
        for other in authors:
            other.apply_update(update)

    async def store_and_load() -> list[bytes]:
        log = MemoryLog()
        log.append("m", encode_entry(batch.entry(0)), ZERO, _Ignore())
        await asyncio.sleep(0)
        return (await load("m", log, MemoryObjects())).updates

    document = Document()
    document.load(asyncio.run(store_and_load()))
    fresh: Doc[Any] = Doc()
    fresh.apply_update(document.diff(b"\x00"))

    assert fresh.get("a", type=Array).to_py() == authors[0].get("a", type=Array).to_py()
    assert batch.entry(0).parts[0].author == f"author {steps[0][0]}"
