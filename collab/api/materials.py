"""Materials and the tokens to open them, in the mode of guests and share links."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, StringConstraints

from collab.api.dependencies import (
    BackendsDep,
    DoorDep,
    HubDep,
    SettingsDep,
    address_of,
    bearer_token,
    unauthenticated,
)
from collab.api.first_state import NewMaterial, write_first_state
from collab.api.rules import Who, requires
from collab.auth.capabilities import new_material_id
from collab.auth.door import Door
from collab.auth.grants import Role
from collab.auth.names import check_id
from collab.auth.rates import Unknown
from collab.auth.tokens import Guest
from collab.errors import CloseCode, Rejected
from collab.settings import AuthMode
from collab.sharing.access import Access
from collab.sharing.links import ShareLinks
from collab.sharing.moderation import fit_name
from storage.catalog.shares import Link, Visitor
from storage.catalog.values import Material
from storage.clock import unix_milliseconds


class Links(BaseModel):
    """Paths of share links, each with its capability."""

    view: str
    edit: str | None = None
    """Absent for those who may only read."""


class CreatedMaterial(BaseModel):
    """A new material; its links are the only way to it."""

    id: str
    links: Links


class TokenRequest(BaseModel):
    """Body of `POST /api/v1/token`."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    k: Annotated[str, StringConstraints(max_length=200)] = ""
    guest: Annotated[str, StringConstraints(max_length=2000)] | None = None
    name: Annotated[str, StringConstraints(max_length=200)] | None = None


class User(BaseModel):
    """A person as others see it."""

    id: str
    name: str


class Admission(BaseModel):
    """What opens the socket of a material."""

    token: str
    guest: str
    """The guest's identity, to be sent again next time."""
    role: Role
    user: User
    tickets: bool
    """Whether `POST /socket-tickets` exchanges the token for tickets; else the token opens sockets itself."""


class _AnyContentType(APIRoute):
    """Reads the body as JSON whatever its header says, as programs from before this API rely on."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a request without the header."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            return await handler(Request({**request.scope, "headers": headers}, request.receive))

        return handle


router = APIRouter(tags=["materials"], route_class=_AnyContentType, strict_content_type=False)


@router.post("/materials", status_code=201, dependencies=[requires(Who.ANYBODY)])
async def create_material(
    body: NewMaterial, request: Request, door: DoorDep, hub: HubDep, backends: BackendsDep
) -> CreatedMaterial:
    """Make a material; its links are the only way to it."""
    _not_on_a_platform(door)
    await door.rates.spend(Unknown.MATERIAL, address_of(request))
    material = new_material_id()
    row = _row(material, body)
    await write_first_state(hub, material, body)
    if backends.catalog is not None:
        await backends.catalog.add_material(row)
    return CreatedMaterial(id=material, links=_links(door, material, Role.EDITOR))


@router.post("/token", dependencies=[requires(Who.ANYBODY)])
async def issue_token(
    body: TokenRequest,
    request: Request,
    door: DoorDep,
    settings: SettingsDep,
    backends: BackendsDep,
    hub: HubDep,
) -> Admission:
    """Exchange the capability of a link to a material or tab for a token that opens the sockets there."""
    _not_on_a_platform(door)
    await door.rates.spend(Unknown.TOKEN, address_of(request))
    check_id(body.id)
    guest, guest_token = door.guests.know(body.guest, body.name)
    claims: dict[str, Any] = {"sub": guest.id, "name": guest.name}
    role = Role.EDITOR if door.mode is AuthMode.NONE else door.capabilities.role(body.id, body.k)
    if role is not None:
        claims["grants"] = {body.id: role.value}
    elif backends.catalog is not None:
        links = ShareLinks(backends.catalog, hub.notices, door.capabilities)
        link = await links.find(body.id, body.k)
        role = await _role_by_link(hub.access, guest, link)
        claims["link"] = link.id if link is not None else ""
    if role is None:
        raise Rejected(CloseCode.FORBIDDEN, "this link gives no access", "capability")
    return Admission(
        token=door.tokens.sign(claims, settings.token_seconds),
        guest=guest_token,
        role=role,
        user=User(id=guest.id, name=guest.name),
        tickets=hub.tickets is not None,
    )


@router.get(
    "/materials/{material:path}/links",
    response_model_exclude_none=True,
    dependencies=[requires(Who.TOKEN)],
)
async def read_links(material: str, request: Request, door: DoorDep) -> Links:
    """The share links that the bearer may pass on: nobody gives more than it has."""
    _not_on_a_platform(door)
    check_id(material)
    token = bearer_token(request)
    if token is None:
        raise unauthenticated()
    return _links(door, material, door.grant(token, material).role)


def _row(material: str, body: NewMaterial) -> Material:
    try:
        return Material(material, body.kind, body.title, unix_milliseconds(), "")
    except ValueError as error:
        raise Rejected(CloseCode.MALFORMED, str(error), "body") from error


def _links(door: Door, material: str, role: Role) -> Links:
    path = f"/m/{quote(material, safe='')}#k="
    view = path + door.capabilities.sign(material, Role.VIEWER)
    edit = path + door.capabilities.sign(material, Role.EDITOR) if role.writes else None
    return Links(view=view, edit=edit)


async def _role_by_link(access: Access, guest: Guest, link: Link | None) -> Role | None:
    """What `guest` is where `link` leads to. Raises Rejected for a name that it must not have there."""
    if link is None:
        return None
    standing = await access.standing(Visitor(guest.id, link.id), link.scope, link.target)
    if standing is None or standing.trashed:
        return None
    fit_name(guest.name)
    return standing.role


def _not_on_a_platform(door: Door) -> None:
    if door.mode is AuthMode.JWT:
        raise Rejected(CloseCode.FORBIDDEN, "this server takes the tokens of its platform", "platform_mode")
