"""Materials and the tokens to open them, in the mode of guests and share links."""

from typing import Annotated, TypeVar
from urllib.parse import quote

from pycrdt import Map, Text, XmlElement, XmlFragment
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from collab.auth.capabilities import new_material_id
from collab.auth.door import Door
from collab.auth.grants import Grant, Role
from collab.auth.names import check_id
from collab.auth.rates import Unknown
from collab.backends import Backends
from collab.errors import CloseCode, Rejected
from collab.hub import Hub
from collab.materials.kinds import SCHEMA, Kind
from collab.participant import Participant
from collab.settings import AuthMode, Settings
from storage.catalog.values import Material
from storage.clock import unix_milliseconds

_MAX_BODY = 16 << 10  # bytes
_Body = TypeVar("_Body", bound=BaseModel)


class NewMaterial(BaseModel):
    """Body of `POST /api/v1/materials`."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class TokenRequest(BaseModel):
    """Body of `POST /api/v1/token`."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    k: Annotated[str, StringConstraints(max_length=200)] = ""
    guest: Annotated[str, StringConstraints(max_length=2000)] | None = None
    name: Annotated[str, StringConstraints(max_length=200)] | None = None


async def create_material(request: Request) -> JSONResponse:
    """Make a material; its links are the only way to it."""
    door: Door = request.app.state.door
    _not_on_a_platform(door)
    await door.rates.spend(Unknown.MATERIAL, _address(request))
    body = await _read(request, NewMaterial)
    material = new_material_id()
    row = _row(material, body)
    await _write_first_state(request.app.state.hub, material, body)
    backends: Backends = request.app.state.backends
    if backends.catalog is not None:
        await backends.catalog.add_material(row)
    return JSONResponse({"id": material, "links": _links(door, material, Role.EDITOR)}, 201)


async def issue_token(request: Request) -> JSONResponse:
    """Exchange a capability for a token that opens the socket."""
    door: Door = request.app.state.door
    settings: Settings = request.app.state.settings
    _not_on_a_platform(door)
    await door.rates.spend(Unknown.TOKEN, _address(request))
    body = await _read(request, TokenRequest)
    check_id(body.id)
    role = Role.EDITOR if door.mode is AuthMode.NONE else door.capabilities.role(body.id, body.k)
    if role is None:
        raise Rejected(CloseCode.FORBIDDEN, "this link gives no access", "capability")
    guest, guest_token = door.guests.know(body.guest, body.name)
    claims = {"sub": guest.id, "name": guest.name, "grants": {body.id: role.value}}
    return JSONResponse(
        {
            "token": door.tokens.sign(claims, settings.token_seconds),
            "guest": guest_token,
            "role": role.value,
            "user": {"id": guest.id, "name": guest.name},
        }
    )


async def read_links(request: Request) -> JSONResponse:
    """The share links that the bearer may pass on: nobody gives more than it has."""
    door: Door = request.app.state.door
    _not_on_a_platform(door)
    material = check_id(request.path_params["material"])
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Rejected(CloseCode.UNAUTHENTICATED, "a bearer token is needed", "unauthenticated")
    return JSONResponse(_links(door, material, door.grant(token, material).role))


ROUTES = [
    Route("/materials", create_material, methods=["POST"]),
    Route("/token", issue_token, methods=["POST"]),
    Route("/materials/{material:path}/links", read_links, methods=["GET"]),
]


async def _write_first_state(hub: Hub, material: str, body: NewMaterial) -> None:
    """Everything that clients could otherwise create twice is written once, by the server."""
    room = await hub.open(material, create=True)
    server = Grant(subject="server", name="StudyHub", role=Role.OWNER)
    async with await Participant.join(room, server) as participant:
        with participant.edit() as doc:
            meta = doc.get("meta", type=Map)
            meta["schema"] = SCHEMA
            meta["kind"] = body.kind.value
            meta["title"] = Text(body.title)
            if body.kind is Kind.GUIDE:
                doc.get("body", type=XmlFragment).children.append(XmlElement("paragraph"))
        await participant.saved()


def _row(material: str, body: NewMaterial) -> Material:
    try:
        return Material(material, body.kind, body.title, unix_milliseconds(), "")
    except ValueError as error:
        raise Rejected(CloseCode.MALFORMED, str(error), "body") from error


def _links(door: Door, material: str, role: Role) -> dict[str, str]:
    path = f"/m/{quote(material, safe='')}#k="
    links = {"view": path + door.capabilities.sign(material, Role.VIEWER)}
    if role.writes:
        links["edit"] = path + door.capabilities.sign(material, Role.EDITOR)
    return links


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _not_on_a_platform(door: Door) -> None:
    if door.mode is AuthMode.JWT:
        raise Rejected(CloseCode.FORBIDDEN, "this server takes the tokens of its platform", "platform_mode")


async def _read(request: Request, model: type[_Body]) -> _Body:
    """The validated body. Raises Rejected."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > _MAX_BODY:
                raise Rejected(CloseCode.TOO_LARGE, f"the body is above {_MAX_BODY} bytes", "body_too_large")
        return model.model_validate_json(bytes(data))
    except ClientDisconnect as error:
        raise Rejected(CloseCode.MALFORMED, "the body was cut short", "body") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise Rejected(CloseCode.MALFORMED, reason, "body") from error
