"""People of every role on one tab, one material and one group; each with an account, and a token of it."""

import secrets
from dataclasses import dataclass, field

from starlette.applications import Starlette

from collab.accounts.sessions import Device
from collab.accounts.users import add_user
from collab.api.first_state import NewMaterial, write_first_state
from collab.auth.grants import Role
from collab.materials.kinds import Kind as MaterialKind
from storage.catalog.catalog import Catalog
from storage.catalog.shares import Group, GroupMember, Item, Kind, Link, Scope, Share, Tab

GIVEN = (Role.TAKER, Role.VIEWER, Role.COMMENTER, Role.EDITOR)


@dataclass
class World:
    """What there is, under ids of its own.

    Attributes:
        tokens: by caller: `guest` and `outsider` hold nothing here; the others are called by their role.
        ids: what the parameters of a path can name, by parameter.
    """

    tokens: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


async def make_world(app: Starlette) -> World:
    """A new world in a running application that may hold others."""
    catalog, world = app.state.backends.catalog, World()
    for name in ("outsider", *GIVEN, Role.OWNER):
        user = await add_user(catalog.people, catalog.audit, name, None, None)
        world.users[name] = user.id
        world.tokens[name] = (await app.state.accounts.sessions.open(user, Device())).access
    _, world.tokens["guest"] = app.state.door.guests.know(None, "Guest")
    owner = world.users[Role.OWNER]
    tab, material, group = (secrets.token_urlsafe(12) for _ in range(3))
    await catalog.shelf.add_tab(Tab(tab, owner, "Biology", "", 0, 1))
    await catalog.shelf.add(Item(material, "guide", "Cells", 1, owner, owner, tab, 0, 1))
    await write_first_state(app.state.hub, material, NewMaterial(kind=MaterialKind.GUIDE, title="Cells"))
    await catalog.groups.add(Group(group, owner, "7b", None, 1))
    await catalog.groups.join(group, GroupMember("absent", 1, "Absent"))
    for role in GIVEN:
        await _take_in(catalog, world, role, tab, group)
    share, link = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    for scope, target in ((Scope.TAB, tab), (Scope.MATERIAL, material)):
        await catalog.sharing.give(
            Share(f"{share}{scope}", scope, target, Kind.USER, "absent", "viewer", 1, owner)
        )
        await catalog.sharing.block(scope, target, "absent", by=owner, now=1)
        await catalog.sharing.add_link(Link(f"{link}{scope}", scope, target, "viewer", "", 1, owner))
    world.ids = {"tab": tab, "material": material, "group": group, "share": share, "link": link}
    world.ids |= {"user": "absent", "id": "absent", "issuer": "absent"}
    return world


async def _take_in(catalog: Catalog, world: World, role: Role, tab: str, group: str) -> None:
    user, owner = world.users[role], world.users[Role.OWNER]
    share = Share(secrets.token_urlsafe(12), Scope.TAB, tab, Kind.USER, user, role, 1, owner)
    await catalog.sharing.give(share)
    await catalog.groups.join(group, GroupMember(user, 1, role))
