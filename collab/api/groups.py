"""Groups of the caller's own, and those that it has joined."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from collab.api.authority import CatalogDep
from collab.api.dependencies import Caller, DoorDep, SettingsDep, Storable, address_of
from collab.api.problems import Missing
from collab.api.rules import Who, requires
from collab.api.services import ClassesDep
from collab.api.views import Body, Title
from collab.auth.rates import Unknown
from collab.settings import AuthMode
from collab.sharing.moderation import fit_name
from collab.sharing.roles import GroupAction
from storage.catalog.shares import Group

_Name = Annotated[Storable, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class NewGroup(Body):
    """Body of `POST /api/v1/groups` and of a group's PATCH."""

    name: Title


class Joining(Body):
    """Body of `POST /api/v1/groups/join`."""

    code: Annotated[Storable, StringConstraints(min_length=1, max_length=40)]
    name: _Name
    """What the group shall call its new member."""
    guest: Annotated[str, StringConstraints(max_length=2000)] | None = None
    """The guest identity that the browser keeps; needed by who comes without a token."""


class MemberView(BaseModel):
    """A member of a group."""

    user: str
    name: str
    joined: int


class GroupView(BaseModel):
    """A group as its members see it."""

    id: str
    name: str
    owner: str
    created: int
    code: str | None = None
    """Only for its owner."""


class GroupDetail(GroupView):
    """A group with its members."""

    members: list[MemberView]


class Joined(BaseModel):
    """What somebody who has joined needs further on."""

    group: GroupView
    user: str
    token: str | None = None
    """Opens sockets; null for those who came with a token."""
    guest: str | None = None
    """The guest's identity, to be sent again next time."""


router = APIRouter(prefix="/groups", tags=["groups"])


@router.post("", status_code=201, dependencies=[requires(Who.ACCOUNT)])
async def create_group(body: NewGroup, caller: Caller, classes: ClassesDep) -> GroupView:
    """Make a group with a code to join it by."""
    return _view(await classes.make(body.name, caller.id), caller.id)


@router.get("", dependencies=[requires(Who.PERSON)])
async def list_groups(caller: Caller, catalog: CatalogDep) -> list[GroupView]:
    """The caller's own groups, then those that it has joined."""
    groups = {group.id: group for group in await catalog.groups.owned(caller.id)}
    groups |= {group.id: group for group in await catalog.groups.joined(caller.id)}
    return [_view(group, caller.id) for group in groups.values()]


@router.post("/join", dependencies=[requires(Who.ANYBODY)])
async def join_group(
    body: Joining,
    request: Request,
    caller: Caller,
    classes: ClassesDep,
    door: DoorDep,
    settings: SettingsDep,
) -> Joined:
    """Join the group of a code. Who comes without a token joins as a guest and gets one."""
    await door.rates.spend(Unknown.TOKEN, address_of(request))
    name = fit_name(body.name)
    user, token, guest = caller.id, None, None
    if not user:
        if door.mode is not AuthMode.LINKS:
            raise Missing
        known, guest = door.guests.know(body.guest, name)
        user = known.id
        token = door.tokens.sign({"sub": user, "name": known.name}, settings.token_seconds)
    group = await classes.join(body.code, user, name)
    if group is None:
        raise Missing
    return Joined(group=_view(group, user), user=user, token=token, guest=guest)


@router.get("/{group}", dependencies=[requires(GroupAction.SEE)])
async def read_group(group: str, caller: Caller, catalog: CatalogDep) -> GroupDetail:
    """A group and its members."""
    view = _view(await _found(catalog, group), caller.id)
    members = [
        MemberView(user=member.user, name=member.display_name, joined=member.joined)
        for member in await catalog.groups.members(group)
    ]
    return GroupDetail(**view.model_dump(), members=members)


@router.patch("/{group}", status_code=204, dependencies=[requires(GroupAction.MANAGE)])
async def rename_group(group: str, body: NewGroup, catalog: CatalogDep) -> None:
    """Rename a group."""
    await catalog.groups.rename(group, body.name)


@router.delete("/{group}", status_code=204, dependencies=[requires(GroupAction.MANAGE)])
async def remove_group(group: str, caller: Caller, catalog: CatalogDep, classes: ClassesDep) -> None:
    """Forget a group, and what it was given."""
    await classes.remove(await _found(catalog, group), by=caller.id)


@router.post("/{group}/code", dependencies=[requires(GroupAction.MANAGE)])
async def renew_group_code(group: str, caller: Caller, catalog: CatalogDep, classes: ClassesDep) -> GroupView:
    """A new code; the old one lets nobody in any more."""
    await classes.renew_code(await _found(catalog, group), by=caller.id)
    return _view(await _found(catalog, group), caller.id)


@router.delete("/{group}/code", status_code=204, dependencies=[requires(GroupAction.MANAGE)])
async def close_group(group: str, caller: Caller, catalog: CatalogDep, classes: ClassesDep) -> None:
    """Let nobody in any more."""
    await classes.close(await _found(catalog, group), by=caller.id)


@router.delete("/{group}/membership", status_code=204, dependencies=[requires(GroupAction.SEE)])
async def leave_group(group: str, caller: Caller, catalog: CatalogDep, classes: ClassesDep) -> None:
    """The caller leaves a group."""
    await classes.leave(await _found(catalog, group), caller.id, by=caller.id)


@router.delete("/{group}/members/{user:path}", status_code=204, dependencies=[requires(GroupAction.MANAGE)])
async def remove_group_member(
    group: str, user: str, caller: Caller, catalog: CatalogDep, classes: ClassesDep
) -> None:
    """Remove a member; a new code keeps it from coming back."""
    if not await classes.leave(await _found(catalog, group), user, by=caller.id):
        raise Missing


async def _found(catalog: CatalogDep, id: str) -> Group:
    group: Group | None = await catalog.groups.group(id)
    if group is None:
        raise Missing
    return group


def _view(group: Group, caller: str) -> GroupView:
    code = group.code if group.owner == caller else None
    return GroupView(id=group.id, name=group.name, owner=group.owner, created=group.created, code=code)
