"""What is stored of one document, in figures for people."""

from collections import Counter
from dataclasses import dataclass

import pycrdt

from storage.catalog.values import Material
from storage.errors import Corrupt
from storage.format import decode_entry
from storage.history import History
from storage.loader import load
from storage.snapshots import Snapshots
from storage.state import merge, state_vector
from storage.store import Store
from storage.values import ZERO, Entry


@dataclass(frozen=True, slots=True)
class Inspection:
    """One document. Times are Unix times in milliseconds, 0 where there is none; cursors are texts."""

    id: str
    size: int
    """Bytes of its state, encoded."""
    live: int
    """Items that are not deleted, in Yjs' count: one per character, element, key and formatting mark."""
    deleted: int
    clients: int
    """Client ids that ever wrote."""
    last: str
    """The newest cursor given out."""
    trimmed: str
    """The trim marker."""
    entries: int
    """In the log."""
    entry_bytes: int
    last_entry: int
    """Time of the newest entry that is still there, in log or history."""
    snapshots: int
    newest_snapshot: int
    """Time of its writing."""
    segments: int
    """Of history."""
    oldest_segment: int
    """Time by which its entries had been written."""
    authors: dict[str, int]
    """Entries per author, in log and history."""
    material: Material | None
    """Its row in the catalogue."""


async def inspect(doc: str, store: Store) -> Inspection | None:
    """What is stored of `doc`, None when there is no such document. Raises Unavailable, Corrupt."""
    loaded = await load(doc, store.log, store.objects)
    if not loaded.exists:
        return None
    try:
        state = merge(loaded.updates)
    except ValueError as error:
        raise Corrupt("open", doc, error) from error
    position = await store.log.state(doc)
    snapshots = await Snapshots(store.objects).list(doc)
    segments = await History(store.objects).list(doc)
    entries = await _entries(doc, store)
    live, deleted, clients = _items(state)
    return Inspection(
        id=doc,
        size=len(state),
        live=live,
        deleted=deleted,
        clients=clients,
        last=str(position.last),
        trimmed=str(position.trimmed),
        entries=position.entries,
        entry_bytes=position.size,
        last_entry=entries[-1].time if entries else 0,
        snapshots=len(snapshots),
        newest_snapshot=snapshots[-1].time if snapshots else 0,
        segments=len(segments),
        oldest_segment=segments[0].time if segments else 0,
        authors=dict(Counter(part.author for entry in entries for part in entry.parts)),
        material=None if store.catalog is None else await store.catalog.material(doc),
    )


async def _entries(doc: str, store: Store) -> list[Entry]:
    """All that are still there. The log comes first: what is trimmed meanwhile is in the history by then."""
    rows = dict(await store.log.read(doc, ZERO))
    rows |= dict(await History(store.objects).read(doc))
    return [decode_entry(rows[cursor]) for cursor in sorted(rows)]


def _items(state: bytes) -> tuple[int, int, int]:
    """Items that are live and that are deleted, and client ids."""
    doc: pycrdt.Doc[pycrdt.Map[object]] = pycrdt.Doc()
    doc.apply_update(state)
    vector = doc.get_state()
    clocks = state_vector(vector)
    deleted = _deleted(doc.get_update(vector))
    return sum(clocks.values()) - deleted, deleted, len(clocks)


def _deleted(update: bytes) -> int:
    """Items in the delete set of an update (V1) that has no structs.

    Clients, each with its ranges of clock and length: https://github.com/yjs/yjs, `readDeleteSet`.
    """
    decoder = pycrdt.Decoder(update)
    total = decoder.read_var_uint()  # no clients with structs: 0
    for _ in range(decoder.read_var_uint()):
        decoder.read_var_uint()
        for _ in range(decoder.read_var_uint()):
            decoder.read_var_uint()
            total += decoder.read_var_uint()
    return total
