"""Reconciles log, snapshots, history and catalogue of a store, which may be in use; changes nothing.

What it relies on is in docs/operations.md. No difference is reported that a second look does not find again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from storage.clock import unix_milliseconds
from storage.errors import Missing
from storage.examination import Look, examine
from storage.keys import snapshot_prefix
from storage.parallel import each
from storage.store import Store
from storage.transfer import UNFINISHED
from storage.values import ZERO

_LOOKS = (0.0, 0.2, 1.0)  # seconds before each look at a document that seems to differ
_PARALLEL = 8  # documents under way


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not fit."""

    document: str
    """Its id; "" for what belongs to no document."""
    text: str


@dataclass(slots=True)
class Report:
    """What was found."""

    documents: int = 0
    entries: int = 0
    """In the log."""
    snapshots: int = 0
    segments: int = 0
    materials: int = 0
    """Rows of the catalogue."""
    unlisted: int = 0
    """Documents without a row: made by a client, not through the API. No difference."""
    differences: list[Difference] = field(default_factory=list)


async def check(
    store: Store,
    only: Sequence[str] = (),
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Report:
    """Check the documents `only`, by default everything. Raises Unavailable.

    Holds 8 bytes per entry of the log to find entries that are in two documents.
    """
    return await _Check(store, progress).run(only)


class _Check:
    def __init__(self, store: Store, progress: Callable[[int, int], object]) -> None:
        self._store = store
        self._progress = progress
        self._report = Report()
        self._owners: dict[bytes, str] = {}  # document by digest of an entry

    async def run(self, only: Sequence[str]) -> Report:
        docs = sorted(set(only)) or await self._store.documents()

        async def one(doc: str) -> None:
            await self._document(doc, named=bool(only))
            self._progress(self._report.documents, len(docs))

        await each(one, docs, _PARALLEL)
        if not only:
            await self._catalogue(set(docs))
            await self._unfinished()
        self._report.differences.sort(key=lambda found: (found.document, found.text))
        return self._report

    async def _document(self, doc: str, *, named: bool) -> None:
        report = self._report
        look = await self._look(doc)
        report.documents += 1
        report.entries += look.entries
        report.snapshots += look.snapshots
        report.segments += look.segments
        for text in look.differences:
            self._differs(doc, text)
        if named and not look.exists:
            self._differs(doc, "there is no such document")
        for digest, cursor in look.digests.items():
            owner = self._owners.setdefault(digest, doc)
            if owner != doc:
                self._differs(doc, f"entry {cursor} is also in the log of {owner!r}")

    async def _look(self, doc: str) -> Look:
        """The last look; its differences are those that all looks found."""
        common: list[str] | None = None
        for pause in _LOOKS:
            await asyncio.sleep(pause)
            look = await examine(doc, self._store, unix_milliseconds())
            found = look.differences
            look.differences = common = (
                found if common is None else [text for text in common if text in found]
            )
            if not common:
                break
        return look

    async def _catalogue(self, docs: set[str]) -> None:
        """Every row has a document. A document needs no row: clients may make some where that is allowed."""
        if self._store.catalog is None:
            return
        listed = 0
        async for material in self._store.catalog.materials():
            self._report.materials += 1
            if material.id in docs:
                listed += 1
            elif not await self._exists(material.id):
                self._differs(material.id, "the catalogue has a row for it, and there is no document")
        self._report.unlisted = len(docs) - listed

    async def _exists(self, doc: str) -> bool:
        state = await self._store.log.state(doc)
        return state.last > ZERO or bool(await self._store.objects.list(snapshot_prefix(doc)))

    async def _unfinished(self) -> None:
        try:
            source = await self._store.objects.get(UNFINISHED)
        except Missing:
            return
        self._differs("", f"the copy of {source.decode(errors='replace')} into this place was not finished")

    def _differs(self, doc: str, text: str) -> None:
        self._report.differences.append(Difference(doc, text))
