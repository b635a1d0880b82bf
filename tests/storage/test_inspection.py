"""What `inspect` counts is what is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc

from storage.appending import append
from storage.errors import Corrupt
from storage.format import encode_entry
from storage.inspection import inspect
from storage.values import ZERO, Entry, Part
from tests.storage.documents import entry, flip
from tests.storage.stores import fill, in_memory

pytestmark = pytest.mark.anyio


@given(edits=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=30), clients=st.integers(1, 3))
async def test_live_and_deleted_items_are_counted(edits: list[tuple[bool, int]], clients: int) -> None:
    """An array of numbers: each is one item."""
    store, made = in_memory(), 0
    docs: list[Doc[Array[int]]] = [Doc() for _ in range(clients)]
    for number, (adds, at) in enumerate(edits):
        doc = docs[number % clients]
        for other in docs:
            doc.apply_update(other.get_update())
        array = doc.get("array", type=Array)
        if adds:
            array.insert(min(at, len(array)), number)
            made += 1
        elif at < len(array):
            del array[at]
        await append(store.log, "a", entry(doc.get_update()), ZERO)
    for other in docs[1:]:
        docs[0].apply_update(other.get_update())
    found = await inspect("a", store)
    left = len(docs[0].get("array", type=Array))

    assert (found is None) == (not edits)
    if found is not None:
        assert (found.live, found.deleted) == (left, made - left)
        assert found.entries == len(edits)


async def test_entries_are_counted_once_wherever_they_are() -> None:
    """Two writes before each snapshot; the older ones are in the history."""
    store = in_memory()
    await fill(store, "a", "eseses")
    parts = (Part("bob", (), b"\0\0"), Part("eve", (), b"\0\0"))
    await append(store.log, "a", encode_entry(Entry(77, parts)), (await store.log.state("a")).last)
    found = await inspect("a", store)

    assert found is not None
    assert found.authors == {"ann": 6, "bob": 1, "eve": 1}
    assert (found.entries, found.snapshots, found.segments) == (3, 3, 2)
    assert found.last_entry == 77


async def test_nothing_is_made_up() -> None:
    store = in_memory()
    assert await inspect("a", store) is None
    await fill(store, "a", "c")
    found = await inspect("a", store)
    assert found is not None
    assert (found.live, found.deleted, found.clients, found.snapshots, found.authors) == (0, 0, 0, 0, {})
    await append(store.log, "a", flip(entry(b"\0\0")), (await store.log.state("a")).last)
    with pytest.raises(Corrupt):
        await inspect("a", store)
