"""Tabs of the caller, and the materials in them."""

import secrets

from fastapi import APIRouter

from collab.api.authority import AccessDep, CatalogDep, visitor
from collab.api.dependencies import Caller, HubDep
from collab.api.first_state import NewMaterial, write_first_state
from collab.api.idempotency import IdempotentRoute
from collab.api.problems import Missing
from collab.api.rules import Who, requires
from collab.api.services import TrashDep
from collab.api.views import Body, Colour, MaterialView, Order, TabView, Title, material_view, tab_view
from collab.auth.capabilities import new_material_id
from collab.sharing.roles import Action
from storage.catalog.shares import Item, Scope, Tab
from storage.clock import unix_milliseconds


class NewTab(Body):
    """Body of `POST /api/v1/tabs`."""

    title: Title = ""
    colour: Colour = ""


class TabChange(Body):
    """Body of `PATCH /api/v1/tabs/<id>`: what is left out stays."""

    title: Title | None = None
    colour: Colour | None = None


router = APIRouter(prefix="/tabs", tags=["tabs"], route_class=IdempotentRoute)


@router.post("", status_code=201, dependencies=[requires(Who.ACCOUNT)])
async def create_tab(body: NewTab, caller: Caller, catalog: CatalogDep) -> TabView:
    """Make a tab behind the others."""
    id = secrets.token_urlsafe(12)
    tab = Tab(id, caller.id, body.title, body.colour, 0, unix_milliseconds())
    return tab_view(await catalog.shelf.add_tab(tab))


@router.get("", dependencies=[requires(Who.ACCOUNT)])
async def list_tabs(caller: Caller, catalog: CatalogDep, trashed: bool = False) -> list[TabView]:
    """The caller's tabs in their order: those in use, or those in the trash."""
    return [tab_view(tab) for tab in await catalog.shelf.tabs(caller.id, trashed=trashed)]


@router.put("/order", status_code=204, dependencies=[requires(Who.ACCOUNT)])
async def order_tabs(body: Order, caller: Caller, catalog: CatalogDep) -> None:
    """Bring the caller's tabs into an order."""
    await catalog.shelf.order_tabs(caller.id, body.ids)


@router.get("/{tab}", dependencies=[requires(Action.READ)])
async def read_tab(tab: str, caller: Caller, catalog: CatalogDep, access: AccessDep) -> TabView:
    """One tab, and what the caller is there."""
    found = await catalog.shelf.tab(tab)
    standing = await access.standing(visitor(caller), Scope.TAB, tab)
    if found is None or standing is None:
        raise Missing
    return tab_view(found, standing.role)


@router.patch("/{tab}", status_code=204, dependencies=[requires(Action.ORGANISE)])
async def change_tab(tab: str, body: TabChange, catalog: CatalogDep) -> None:
    """Rename or recolour a tab."""
    await catalog.shelf.change_tab(tab, title=body.title, colour=body.colour)


@router.delete("/{tab}", status_code=204, dependencies=[requires(Action.DELETE)])
async def trash_tab(tab: str, caller: Caller, trash: TrashDep) -> None:
    """Put a tab and what is in it into the trash, for 30 days."""
    await trash.throw(Scope.TAB, tab, by=caller.id)


@router.post("/{tab}/restore", status_code=204, dependencies=[requires(Action.DELETE)])
async def restore_tab(tab: str, caller: Caller, trash: TrashDep) -> None:
    """Take a tab out of the trash."""
    await trash.restore(Scope.TAB, tab, by=caller.id)


@router.get("/{tab}/materials", dependencies=[requires(Action.READ)])
async def list_tab_materials(tab: str, catalog: CatalogDep) -> list[MaterialView]:
    """The materials of a tab in their order."""
    return [material_view(item) for item in await catalog.shelf.items(tab)]


@router.post("/{tab}/materials", status_code=201, dependencies=[requires(Action.ADD)])
async def create_tab_material(
    tab: str, body: NewMaterial, caller: Caller, catalog: CatalogDep, hub: HubDep
) -> MaterialView:
    """Make a material in a tab, whose owner owns it."""
    found = await catalog.shelf.tab(tab)
    if found is None:
        raise Missing
    id, now = new_material_id(), unix_milliseconds()
    await write_first_state(hub, id, body)
    item = Item(id, body.kind, body.title, now, caller.id, found.owner, tab, 0, now)
    return material_view(await catalog.shelf.add(item))


@router.put("/{tab}/materials/order", status_code=204, dependencies=[requires(Action.ORGANISE)])
async def order_tab_materials(tab: str, body: Order, catalog: CatalogDep) -> None:
    """Bring the materials of a tab into an order."""
    await catalog.shelf.order(tab, body.ids)
