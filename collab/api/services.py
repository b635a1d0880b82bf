"""The services of sharing, as parameters of routes; each raises Missing where there is no catalogue."""

from typing import Annotated, Any

from fastapi import Depends

from collab.api.authority import CatalogDep
from collab.api.dependencies import BackendsDep, DoorDep, HubDep
from collab.sharing.groups import Classes
from collab.sharing.links import ShareLinks
from collab.sharing.moderation import Moderation
from collab.sharing.shares import Shares
from collab.sharing.trash import Trash


async def _links(catalog: CatalogDep, hub: HubDep, door: DoorDep) -> Any:
    return ShareLinks(catalog, hub.notices, door.capabilities)


async def _shares(catalog: CatalogDep, hub: HubDep) -> Any:
    return Shares(catalog, hub.notices)


async def _classes(catalog: CatalogDep, hub: HubDep) -> Any:
    return Classes(catalog, hub.notices)


async def _moderation(catalog: CatalogDep, hub: HubDep) -> Any:
    return Moderation(catalog, hub.notices)


async def _trash(catalog: CatalogDep, hub: HubDep, backends: BackendsDep) -> Any:
    return Trash(catalog, backends.log, backends.objects, hub.notices)


LinksDep = Annotated[ShareLinks, Depends(_links)]
SharesDep = Annotated[Shares, Depends(_shares)]
ClassesDep = Annotated[Classes, Depends(_classes)]
ModerationDep = Annotated[Moderation, Depends(_moderation)]
TrashDep = Annotated[Trash, Depends(_trash)]
