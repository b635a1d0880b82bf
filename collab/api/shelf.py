"""Materials that have an owner: their place, name, copies and trash, and tickets to their sockets."""

from fastapi import APIRouter
from pycrdt import Map, Text
from pydantic import BaseModel

from collab.api.authority import AccessDep, CatalogDep, login_of, visitor
from collab.api.dependencies import Caller, DoorDep, HubDep, SettingsDep
from collab.api.first_state import SERVER, NewMaterial, write_first_state
from collab.api.materials import User
from collab.api.paging import Listing, PageDep
from collab.api.problems import Missing, Refused
from collab.api.rules import Who, requires
from collab.api.services import TrashDep
from collab.api.views import Body, Id, MaterialView, Title, material_view
from collab.auth.capabilities import new_material_id
from collab.auth.grants import Grant, Role
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import AuthMode
from collab.sharing.notices import Change
from collab.sharing.roles import Action
from storage.catalog.shares import Item, Scope
from storage.clock import unix_milliseconds


class MaterialChange(Body):
    """Body of `PATCH /api/v1/materials/<id>`."""

    title: Title


class Place(Body):
    """Body of `POST /api/v1/materials/<id>/move`."""

    tab: Id | None
    """One of the caller's own; null: into none."""


class Ticket(BaseModel):
    """What opens the socket of a material."""

    token: str
    role: Role
    user: User


router = APIRouter(prefix="/materials", tags=["materials"])
mine = APIRouter(prefix="/me/materials", tags=["materials"])


@mine.get("", dependencies=[requires(Who.ACCOUNT)])
async def list_my_materials(
    caller: Caller, catalog: CatalogDep, page: PageDep, trashed: bool = False
) -> Listing[MaterialView]:
    """The caller's materials: those in use, or those in the trash."""
    found = await catalog.shelf.owned(caller.id, trashed=trashed, after=page.after, limit=page.limit + 1)
    return page.listing([material_view(item) for item in found], key=lambda item: item.id)


@mine.post("", status_code=201, dependencies=[requires(Who.ACCOUNT)])
async def create_my_material(
    body: NewMaterial, caller: Caller, catalog: CatalogDep, hub: HubDep
) -> MaterialView:
    """Make a material of the caller's own, in no tab."""
    id, now = new_material_id(), unix_milliseconds()
    await write_first_state(hub, id, body)
    item = Item(id, body.kind, body.title, now, caller.id, caller.id, None, 0, now)
    return material_view(await catalog.shelf.add(item))


@router.post("/{material:path}/ticket", dependencies=[requires(Action.TAKE)])
async def make_ticket(
    material: str, caller: Caller, access: AccessDep, door: DoorDep, settings: SettingsDep
) -> Ticket:
    """A token that opens the socket of a material; it names the caller, and its roles are looked up there."""
    if door.mode is not AuthMode.LINKS:
        raise Missing
    who = visitor(caller)
    role = await access.role(who.subject, who.link, material)
    if role is None:
        raise Missing
    claims = {"sub": who.subject, "name": caller.name, "link": who.link, "login": login_of(caller)}
    token = door.tokens.sign(claims, settings.token_seconds)
    return Ticket(token=token, role=role, user=User(id=who.subject, name=caller.name))


@router.post("/{material:path}/move", status_code=204, dependencies=[requires(Action.ORGANISE)])
async def move_material(
    material: str, body: Place, caller: Caller, catalog: CatalogDep, access: AccessDep, hub: HubDep
) -> None:
    """Put a material into another tab of its owner's, behind the others; who may see the tab sees it then."""
    tab = None
    if body.tab is not None:
        tab = await catalog.shelf.tab(body.tab)
        standing = await access.standing(visitor(caller), Scope.TAB, body.tab)
        if tab is None or standing is None or standing.role is not Role.OWNER or standing.trashed:
            raise Refused(422, "this is none of your tabs", "tab")
    await catalog.shelf.move(material, tab, unix_milliseconds())
    hub.notices.tell(Change.MATERIAL, material)


@router.post(
    "/{material:path}/copy", status_code=201, dependencies=[requires(Action.COPY), requires(Who.ACCOUNT)]
)
async def copy_material(material: str, caller: Caller, catalog: CatalogDep, hub: HubDep) -> MaterialView:
    """A copy that is the caller's own, in no tab. It has the content as it is now, and shares nothing."""
    source = await catalog.shelf.item(material)
    if source is None:
        raise Missing
    id, now = new_material_id(), unix_milliseconds()
    await _copy_document(hub, material, id, Grant(caller.id, caller.name, Role.EDITOR))
    item = Item(id, source.kind, source.title, now, caller.id, caller.id, None, 0, now)
    return material_view(await catalog.shelf.add(item))


@router.post("/{material:path}/restore", status_code=204, dependencies=[requires(Action.DELETE)])
async def restore_material(material: str, caller: Caller, trash: TrashDep) -> None:
    """Take a material out of the trash."""
    await trash.restore(Scope.MATERIAL, material, by=caller.id)


@router.post("/{material:path}/purge", status_code=204, dependencies=[requires(Action.DELETE)])
async def purge_material(material: str, caller: Caller, catalog: CatalogDep, trash: TrashDep) -> None:
    """Delete a material that lies in the trash for good."""
    item = await catalog.shelf.item(material)
    if item is None or item.trashed is None:
        raise Refused(409, "put it into the trash first", "not_trashed")
    await trash.purge(material, by=caller.id)


@router.get("/{material:path}", dependencies=[requires(Action.TAKE)])
async def read_material(
    material: str, caller: Caller, catalog: CatalogDep, access: AccessDep
) -> MaterialView:
    """One material, and what the caller is there."""
    item = await catalog.shelf.item(material)
    standing = await access.standing(visitor(caller), Scope.MATERIAL, material)
    if item is None or standing is None:
        raise Missing
    return material_view(item, standing.role)


@router.patch("/{material:path}", status_code=204, dependencies=[requires(Action.RENAME)])
async def rename_material(material: str, body: MaterialChange, catalog: CatalogDep, hub: HubDep) -> None:
    """Rename a material, in the catalogue and in its document."""
    await _write_title(hub, material, body.title)
    await catalog.shelf.rename(material, body.title, unix_milliseconds())


@router.delete("/{material:path}", status_code=204, dependencies=[requires(Action.DELETE)])
async def trash_material(material: str, caller: Caller, trash: TrashDep) -> None:
    """Put a material into the trash, for 30 days; its sessions end."""
    await trash.throw(Scope.MATERIAL, material, by=caller.id)


async def _write_title(hub: Hub, material: str, title: str) -> None:
    """Into the text that is there: a new one in its place would lose what others type into it now."""
    async with await Participant.join(await hub.open(material), SERVER) as participant:
        with participant.edit() as doc:
            shown = doc.get("meta", type=Map).get("title")
            if isinstance(shown, Text):
                shown.clear()
                shown += title
        await participant.saved()


async def _copy_document(hub: Hub, source: str, target: str, author: Grant) -> None:
    async with await Participant.join(await hub.open(source), author) as reader:
        state = reader.doc.get_update()
    async with await Participant.join(await hub.open(target, create=True), author) as writer:
        with writer.edit() as doc:
            doc.apply_update(state)
        await writer.saved()
