"""Sharing tabs and materials: with people, with groups, by link. The same routes for both."""

import time
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel

from collab.api.authority import AccessDep, CatalogDep, place_of, visitor
from collab.api.dependencies import Caller, DoorDep, HubDep, SettingsDep, bearer_token
from collab.api.paging import Listing, PageDep
from collab.api.problems import Missing, Refused
from collab.api.rules import Who, requires
from collab.api.services import LinksDep, SharesDep
from collab.api.views import Body, Id, MaterialView, Time, Title, material_view
from collab.auth.door import Door
from collab.auth.grants import Grant, Role
from collab.errors import Rejected
from collab.sharing.roles import GIVABLE, Action
from collab.sharing.tickets import SECONDS, Bound
from storage.catalog.shares import Kind, Link, Scope, Share
from storage.clock import unix_milliseconds


def _givable(role: Role) -> Role:
    if role not in GIVABLE:
        raise ValueError("this role cannot be given")
    return role


GivenRole = Annotated[Role, AfterValidator(_givable)]


class NewShare(Body):
    """Body of `PUT .../shares`."""

    kind: Kind = Kind.USER
    grantee: Id
    """Id of a person or of one of the caller's own groups."""
    role: GivenRole
    expires: Time | None = None


class ShareView(BaseModel):
    """A role that a person or group was given."""

    id: str
    kind: Kind
    grantee: str
    name: str
    """Of the grantee; empty where it has none that the caller knows."""
    role: Role
    created: int
    created_by: str
    expires: int | None


class NewLink(Body):
    """Body of `POST .../share-links`."""

    role: GivenRole
    label: Title = ""
    expires: Time | None = None


class LinkView(BaseModel):
    """A share link."""

    id: str
    path: str
    """Of the page that it opens, with its capability."""
    role: Role
    label: str
    created: int
    created_by: str
    expires: int | None
    revoked: int | None


class NewTicket(Body):
    """Body of `POST /api/v1/socket-tickets`."""

    material: Id


class SocketTicket(BaseModel):
    """What opens one socket of a material."""

    ticket: str
    role: Role
    seconds: int
    """How long it is good."""


router = APIRouter(tags=["sharing"])


@router.post("/socket-tickets", status_code=201, dependencies=[requires(Who.PERSON)])
async def make_socket_ticket(
    body: NewTicket,
    request: Request,
    caller: Caller,
    access: AccessDep,
    hub: HubDep,
    door: DoorDep,
    settings: SettingsDep,
) -> SocketTicket:
    """A ticket for the `hello` of one socket, with the rights of the token that this is called with."""
    if hub.tickets is None:
        raise Missing
    who, until = visitor(caller), time.time() + settings.token_seconds
    role = await access.role(who.subject, who.link, body.material)
    bound = Bound(who.subject, caller.name, who.link, who.login, None, until)
    if role is None:  # without an owner, what the token says counts
        granted = _granted(door, bearer_token(request), body.material)
        role = granted.role
        bound = replace(bound, role=role, until=min(until, granted.expires or until))
    return SocketTicket(ticket=hub.tickets.make(body.material, bound), role=role, seconds=SECONDS)


def _granted(door: Door, token: str | None, material: str) -> Grant:
    try:
        granted = door.bearer(token or "", material).granted
    except Rejected:  # of an account or a guest: it opens no sockets by itself
        granted = None
    if granted is None:
        raise Missing
    return granted


@router.get("/shared", dependencies=[requires(Who.PERSON)])
async def list_shared(caller: Caller, catalog: CatalogDep, page: PageDep) -> Listing[MaterialView]:
    """Materials of others that the caller was given a role on, itself or by a group."""
    found = await catalog.sharing.shared_with(
        caller.id, unix_milliseconds(), after=page.after, limit=page.limit + 1
    )
    return page.listing([material_view(item) for item in found], key=lambda item: item.id)


async def list_shares(request: Request, caller: Caller, catalog: CatalogDep) -> list[ShareView]:
    """The roles that people and groups were given here; not those that a tab passes on."""
    shares = await catalog.sharing.shares(*place_of(request.path_params))
    return await _share_views(catalog, caller.id, shares)


async def give_share(
    body: NewShare, request: Request, caller: Caller, catalog: CatalogDep, shares: SharesDep
) -> ShareView:
    """Give a role, in place of the one that the grantee has here."""
    scope, target = place_of(request.path_params)
    if body.kind is Kind.GROUP:
        group = await catalog.groups.group(body.grantee)
        if group is None or group.owner != caller.id:
            raise Refused(422, "this is none of your groups", "grantee")
    given = await shares.give(
        scope, target, body.kind, body.grantee, body.role, by=caller.id, expires=body.expires
    )
    return (await _share_views(catalog, caller.id, [given]))[0]


async def take_share(
    share: str, request: Request, caller: Caller, catalog: CatalogDep, shares: SharesDep
) -> None:
    """Take a role back."""
    found: Share | None = await catalog.sharing.share(share)
    if found is None or (found.scope, found.target) != place_of(request.path_params):
        raise Missing
    await shares.take(found, by=caller.id)


async def list_share_links(request: Request, catalog: CatalogDep, links: LinksDep) -> list[LinkView]:
    """The links to this, also those that are over."""
    found = await catalog.sharing.links(*place_of(request.path_params))
    return [_link_view(links.path(link), link) for link in found]


async def make_share_link(body: NewLink, request: Request, caller: Caller, links: LinksDep) -> LinkView:
    """Make a link that gives whoever has it a role."""
    scope, target = place_of(request.path_params)
    link = await links.make(scope, target, body.role, by=caller.id, label=body.label, expires=body.expires)
    return _link_view(links.path(link), link)


async def revoke_share_link(
    link: str, request: Request, caller: Caller, catalog: CatalogDep, links: LinksDep
) -> None:
    """End a link, and the sessions that rest on it."""
    found: Link | None = await catalog.sharing.link(link)
    if found is None or (found.scope, found.target) != place_of(request.path_params):
        raise Missing
    await links.revoke(found, by=caller.id)


def _add_routes(scope: Scope, place: str) -> None:
    """The routes of one scope; `place`: its part of the path."""
    rule: dict[str, Any] = {"dependencies": [requires(Action.SHARE)]}

    def add(method: str, path: str, endpoint: Any, status: int = 200) -> None:
        name = endpoint.__name__.replace("share", f"{scope}_share", 1)
        router.add_api_route(
            f"{place}/{path}", endpoint, methods=[method], status_code=status, name=name, **rule
        )

    add("GET", "shares", list_shares)
    add("PUT", "shares", give_share)
    add("DELETE", "shares/{share}", take_share, 204)
    add("GET", "share-links", list_share_links)
    add("POST", "share-links", make_share_link, 201)
    add("DELETE", "share-links/{link}", revoke_share_link, 204)


_add_routes(Scope.TAB, "/tabs/{tab}")
_add_routes(Scope.MATERIAL, "/materials/{material:path}")


async def _share_views(catalog: CatalogDep, asker: str, shares: list[Share]) -> list[ShareView]:
    people = [share.grantee for share in shares if share.grantee_kind is Kind.USER]
    groups = [share.grantee for share in shares if share.grantee_kind is Kind.GROUP]
    names = await catalog.sharing.names(asker, people, groups)
    return [_share_view(share, names.get(share.grantee, "")) for share in shares]


def _share_view(share: Share, name: str) -> ShareView:
    return ShareView(
        id=share.id,
        kind=share.grantee_kind,
        grantee=share.grantee,
        name=name,
        role=Role(share.role),
        created=share.created,
        created_by=share.created_by,
        expires=share.expires,
    )


def _link_view(path: str, link: Link) -> LinkView:
    return LinkView(
        id=link.id,
        path=path,
        role=Role(link.role),
        label=link.label,
        created=link.created,
        created_by=link.created_by,
        expires=link.expires,
        revoked=link.revoked,
    )
