"""What owners do about others, and what a platform takes back. The same routes for tabs and materials."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from collab.api.authority import AccessDep, CatalogDep, place_of
from collab.api.dependencies import Caller, DoorDep, Storable, bearer_token, unauthenticated
from collab.api.problems import Missing, Refused
from collab.api.rules import Who, requires
from collab.api.services import ModerationDep
from collab.api.views import Body, Id
from collab.auth.grants import EVERY_MATERIAL, Role
from collab.errors import CloseCode, Rejected
from collab.settings import AuthMode
from collab.sharing.roles import Action
from storage.catalog.shares import CHAT, Scope


class Freeze(Body):
    """Body of `PUT .../frozen`."""

    reason: Annotated[Storable, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = (
        "frozen by its owner"
    )


class Revocation(Body):
    """Body of `POST /api/v1/platform/revoke`."""

    subject: Id
    material: Annotated[Storable, StringConstraints(min_length=1, max_length=200)]
    """Its id, or `*` for all."""


class Blocked(BaseModel):
    """Somebody who is kept away, or muted; `*` for everybody."""

    user: str
    name: str
    """Empty where it has none that the caller knows."""
    since: int


router = APIRouter(tags=["moderation"])


async def remove_member(user: str, request: Request, caller: Caller, moderation: ModerationDep) -> None:
    """Take what a person was given here; not what it has by a group or a link."""
    scope, target = place_of(request.path_params)
    if not await moderation.remove(scope, target, user, by=caller.id):
        raise Missing


async def list_blocks(request: Request, caller: Caller, catalog: CatalogDep) -> list[Blocked]:
    """Who is kept away from here."""
    return await _blocked(catalog, caller.id, *place_of(request.path_params))


async def block_member(
    user: str, request: Request, caller: Caller, access: AccessDep, moderation: ModerationDep
) -> None:
    """Keep a person away from here, whatever it was given or comes by."""
    scope, target = place_of(request.path_params)
    place = await access.place(scope, target, ())
    if place is None or place.owner == user:
        raise Refused(422, "the owner cannot be blocked", "owner")
    await moderation.block(scope, target, user, by=caller.id)


async def unblock_member(user: str, request: Request, caller: Caller, moderation: ModerationDep) -> None:
    """Let a person in again, as far as it was given something."""
    scope, target = place_of(request.path_params)
    if not await moderation.unblock(scope, target, user, by=caller.id):
        raise Missing


def _add_routes(scope: Scope, place: str) -> None:
    """The routes of one scope; `place`: its part of the path."""
    rule: dict[str, Any] = {"dependencies": [requires(Action.MODERATE)]}

    def add(method: str, path: str, endpoint: Any, status: int = 204) -> None:
        verb, _, rest = endpoint.__name__.partition("_")
        router.add_api_route(
            f"{place}/{path}",
            endpoint,
            methods=[method],
            status_code=status,
            name=f"{verb}_{scope}_{rest}",
            **rule,
        )

    add("DELETE", "members/{user:path}", remove_member)
    add("GET", "blocks", list_blocks, 200)
    add("PUT", "blocks/{user:path}", block_member)
    add("DELETE", "blocks/{user:path}", unblock_member)


_add_routes(Scope.TAB, "/tabs/{tab}")
_add_routes(Scope.MATERIAL, "/materials/{material:path}")


@router.put("/materials/{material:path}/frozen", status_code=204, dependencies=[requires(Action.MODERATE)])
async def freeze_material(material: str, body: Freeze, caller: Caller, moderation: ModerationDep) -> None:
    """Let nobody write, the owner neither, until it is taken back."""
    await moderation.freeze(material, body.reason, by=caller.id)


@router.delete("/materials/{material:path}/frozen", status_code=204, dependencies=[requires(Action.MODERATE)])
async def thaw_material(material: str, caller: Caller, moderation: ModerationDep) -> None:
    """Let people write again."""
    await moderation.freeze(material, "", by=caller.id)


@router.get("/materials/{material:path}/mutes", dependencies=[requires(Action.MODERATE)])
async def list_mutes(material: str, caller: Caller, catalog: CatalogDep) -> list[Blocked]:
    """Who is muted in the chat."""
    return await _blocked(catalog, caller.id, CHAT, material)


@router.put(
    "/materials/{material:path}/mutes/{user:path}", status_code=204, dependencies=[requires(Action.MODERATE)]
)
async def mute_member(material: str, user: str, caller: Caller, moderation: ModerationDep) -> None:
    """Mute a person in the chat; `*` mutes everybody."""
    await moderation.mute(material, user, by=caller.id, muted=True)


@router.delete(
    "/materials/{material:path}/mutes/{user:path}", status_code=204, dependencies=[requires(Action.MODERATE)]
)
async def unmute_member(material: str, user: str, caller: Caller, moderation: ModerationDep) -> None:
    """Let a person, or everybody, write into the chat again."""
    await moderation.mute(material, user, by=caller.id, muted=False)


@router.post("/platform/revoke", status_code=204, dependencies=[requires(Who.TOKEN)])
async def revoke_access(body: Revocation, request: Request, door: DoorDep, moderation: ModerationDep) -> None:
    """Void the tokens that a platform gave a person for a material up to now.

    The platform calls it with a token of its own that makes it owner there; newer tokens count again.
    """
    token = bearer_token(request)
    if token is None:
        raise unauthenticated()
    if door.mode is not AuthMode.JWT:
        raise Missing
    await door.tokens.prepare(token)
    grant = door.grant(token, body.material)
    if grant.role is not Role.OWNER:
        raise Rejected(CloseCode.FORBIDDEN, "this needs the owner's token", "role")
    everywhere = door.bearer(token, EVERY_MATERIAL).granted
    if body.material == EVERY_MATERIAL and everywhere is None:
        raise Missing
    await moderation.revoke(body.material, body.subject, by=grant.subject)


async def _blocked(catalog: CatalogDep, asker: str, scope: str, target: str) -> list[Blocked]:
    found = await catalog.sharing.blocked(scope, target)
    names = await catalog.sharing.names(asker, [user for user, _ in found])
    return [Blocked(user=user, name=names.get(user, ""), since=since) for user, since in found]
