"""Everything that one installation has stored, in one hand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.base import ObjectStore, UpdateLog
from storage.keys import parse_segment, parse_snapshot

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Store:
    """A log, the objects that belong to it, and the catalogue, where there is one."""

    log: UpdateLog
    objects: ObjectStore
    catalog: "Catalog | None" = None

    async def documents(self) -> list[str]:
        """The ids of all documents that the log or an object knows, sorted. Raises Unavailable."""
        known = set(await self.log.documents())
        known.update(document_of(name) for name in await self.objects.list("snapshots/"))
        known.update(document_of(name) for name in await self.objects.list("history/"))
        return sorted(known - {""})

    async def reach(self) -> None:
        """Raises Unavailable when log or objects do not answer, whatever any one document is like."""
        await self.log.positions([""])
        await self.objects.list("nothing/")


def document_of(name: str) -> str:
    """The document whose snapshot or history segment `name` is, "" for any other object."""
    for parse in (parse_snapshot, parse_segment):
        try:
            return parse(name).doc
        except ValueError:
            continue
    return ""
