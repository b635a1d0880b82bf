"""What an account owns: taken along in an export, and given up when the account is erased."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from collab.sharing.notices import Change, Notices
from collab.sharing.trash import KEPT
from storage.catalog.catalog import Catalog
from storage.catalog.shares import Item, Scope, Tab
from storage.clock import unix_milliseconds

_PAGE = 200  # materials
_CLOSING = 300_000  # milliseconds until the trash takes it for good; open sessions are gone by then


async def belongings(catalog: Catalog, owner: str) -> dict[str, Any]:
    """The tabs, materials and groups of `owner`, those in the trash too, and the groups it is in."""
    return {
        "tabs": [asdict(tab) async for tab in _tabs(catalog, owner)],
        "materials": [asdict(item) async for item in _materials(catalog, owner)],
        "groups": [asdict(group) for group in await catalog.groups.owned(owner)],
        "joined": [{"id": one.id, "name": one.name} for one in await catalog.groups.joined(owner)],
    }


async def give_up(catalog: Catalog, notices: Notices, owner: str) -> None:
    """Put all that `owner` has into the trash, as if it had lain there long: the next emptying purges it.

    That reaches log, objects and catalogue. Groups are removed at once. May be repeated.
    """
    then = unix_milliseconds() - KEPT + _CLOSING
    for scope, ids in (
        (Scope.TAB, [tab.id async for tab in _tabs(catalog, owner)]),
        (Scope.MATERIAL, [item.id async for item in _materials(catalog, owner)]),
    ):
        for id in ids:
            await catalog.shelf.restore(scope, id)  # what lies there keeps its time otherwise
            await catalog.shelf.trash(scope, id, then)
        notices.tell(Change.of(scope), *ids)
    for group in await catalog.groups.owned(owner):
        await catalog.groups.remove(group.id)


async def _tabs(catalog: Catalog, owner: str) -> AsyncIterator[Tab]:
    for trashed in (False, True):
        for tab in await catalog.shelf.tabs(owner, trashed=trashed):
            yield tab


async def _materials(catalog: Catalog, owner: str) -> AsyncIterator[Item]:
    for trashed in (False, True):
        after = ""
        while page := await catalog.shelf.owned(owner, trashed=trashed, after=after, limit=_PAGE):
            for item in page:
                yield item
            after = page[-1].id
