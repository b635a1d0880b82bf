"""Copies documents from one store to another, whatever their backends, also while the source is in use.

Per document, first the log, then the objects: what is trimmed from the log meanwhile is in objects by then.
Objects keep their names and bytes. Entries get new cursors, each *above* the one that it had: so every entry
that lies above a snapshot in the source lies above it in the target too, and a loader reads it. It may read
some that the snapshot holds already, which changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from storage.appending import append
from storage.base import ObjectStore, UpdateLog
from storage.containment import adds
from storage.errors import Corrupt, Missing, StorageError
from storage.keys import segment_prefix, snapshot_prefix
from storage.loader import load
from storage.parallel import each
from storage.state import merge
from storage.store import Store, document_of
from storage.values import ZERO

UNFINISHED = "unfinished-copy"
"""The object that a target holds until it has everything; its bytes are the source's name."""

INSTALLATION = "installation"
"""The object that says whose objects these are; a new store may have it."""

Progress = Callable[[int, int], object]
"""Told the number of documents that are done, and of all."""

_PARALLEL = 16  # documents under way; each holds its log and one object in memory


class NotEmpty(StorageError):
    """The target holds something that is not the beginning of this copy, or the source is one itself."""


class Different(StorageError):
    """A document reads otherwise in the target than in the source."""


@dataclass(slots=True)
class Copied:
    """What was copied."""

    documents: int = 0
    entries: int = 0
    objects: int = 0
    size: int = 0
    """Bytes of entries and objects."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Documents that do not open in the source either, and why; copied as far as they can be read."""

    def add(self, other: "Copied") -> None:
        """Count `other` in."""
        self.documents += other.documents
        self.entries += other.entries
        self.objects += other.objects
        self.size += other.size
        self.damaged |= other.damaged


async def copy_all(
    source: Store,
    target: Store,
    *,
    name: str,
    documents: Iterable[str] = (),
    parallel: int = _PARALLEL,
    progress: Progress = lambda done, total: None,
) -> Copied:
    """Copy all documents, `documents` among them in any case, and all other objects, but not the catalogue.

    `name` tells sources apart: a copy that broke off is taken up again by the next one of the same name.
    Raises NotEmpty before anything is written, also for a source that is an unfinished copy itself;
    Different, Unavailable.
    """
    if await source.objects.list(UNFINISHED):
        raise NotEmpty("copy", name, "the source is an unfinished copy", hint="finish it or take another")
    await _claim(target, name)
    docs = sorted({*await source.documents(), *documents})
    total = Copied()
    progress(0, len(docs))

    async def copy(doc: str) -> None:
        total.add(await copy_document(doc, source, target))
        progress(total.documents, len(docs))

    await each(copy, docs, parallel)
    others = [key for key in await source.objects.list("") if not document_of(key) and key != UNFINISHED]
    total.add(await _copy_objects(others, source.objects, target.objects))
    await target.objects.delete(UNFINISHED)
    return total


async def copy_document(doc: str, source: Store, target: Store) -> Copied:
    """Copy one document, and compare what the target reads with the source, before and after.

    Copying again changes nothing. Raises NotEmpty where the target holds another log of it, Different,
    Unavailable. Where the document does not open in the source, its bytes are copied all the same.
    """
    copied = Copied(documents=1)
    before = await _readable(doc, source, copied)
    try:
        copied.add(await _copy_log(doc, source.log, target.log))
    except Corrupt as error:
        copied.damaged[doc] = f"{error}; its log was not copied"
    for prefix in (snapshot_prefix(doc), segment_prefix(doc)):
        seen: set[str] = set()
        # Again until nothing is new: what vanished before it was read, something newer stands in for.
        while names := set(await source.objects.list(prefix)) - seen:
            copied.add(await _copy_objects(sorted(names), source.objects, target.objects))
            seen |= names
    if before is not None:
        await _verify(doc, before, source, target)
    return copied


async def _readable(doc: str, source: Store, copied: Copied) -> bytes | None:
    """The document in the source, None where it is damaged: storage answers, and it does not open twice."""
    for damaged in (False, True):
        try:
            return await _state(doc, source)
        except StorageError as error:
            await source.reach()
            if damaged:
                copied.damaged[doc] = str(error)
    return None


async def _claim(target: Store, name: str) -> None:
    """Mark the target as the beginning of the copy of `name`. Raises NotEmpty."""
    try:
        found = await target.objects.get(UNFINISHED)
    except Missing:
        objects = [key for key in await target.objects.list("") if key != INSTALLATION]
        if objects or await target.log.documents():
            what = objects[0] if objects else "documents in its log"
            raise NotEmpty("copy", name, f"the target has {what}", hint="give it an empty place") from None
        await target.objects.put(UNFINISHED, name.encode())
        return
    if found != name.encode():
        raise NotEmpty("copy", name, f"the target holds a part of {found.decode(errors='replace')!r}")


async def _copy_log(doc: str, source: UpdateLog, target: UpdateLog) -> Copied:
    rows = await source.read(doc, ZERO)
    # Read after the rows: they reach down to it, unless it was trimmed on meanwhile.
    trimmed = (await source.state(doc)).trimmed
    rows = [row for row in rows if row[0] > trimmed]
    if trimmed > ZERO:
        await target.raise_floor(doc, trimmed)
    held = await target.read(doc, ZERO)  # from a copy that broke off
    if [entry for _, entry in held] != [entry for _, entry in rows[: len(held)]]:
        raise NotEmpty("copy", doc, "the target has other entries", hint="empty it and start again")
    for cursor, entry in rows[len(held) :]:
        # It heals a loss in the sense of the log: nobody else rests on the cursor that the target lacks.
        await append(target, doc, entry, cursor, heals=True)
    return Copied(entries=len(rows), size=sum(len(entry) for _, entry in rows))


async def _copy_objects(names: Iterable[str], source: ObjectStore, target: ObjectStore) -> Copied:
    copied = Copied()
    for name in names:
        try:
            data = await source.get(name)
        except Missing:  # given up meanwhile
            continue
        await target.put(name, data)
        copied.add(Copied(objects=1, size=len(data)))
    return copied


async def _verify(doc: str, before: bytes, source: Store, target: Store) -> None:
    """The target holds what the source held, and nothing that the source does not hold now."""
    after = await _state(doc, target)
    if adds(before, after):
        raise Different("copy", doc, "the target lacks some of its content")
    if adds(after, before) and adds(after, await _state(doc, source)):
        raise Different("copy", doc, "the target has content that the source lacks")


async def _state(doc: str, store: Store) -> bytes:
    """The document as one update. Raises Corrupt, Unavailable."""
    loaded = await load(doc, store.log, store.objects)
    try:
        return merge(loaded.updates)
    except ValueError as error:
        raise Corrupt("open", doc, error) from error
