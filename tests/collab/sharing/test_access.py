"""Roles as the product finds them, against a model that looks at every row in turn."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from collab.auth.grants import Role
from collab.sharing import access as access_module
from collab.sharing.access import Access, Standing, stand
from storage.catalog.catalog import Catalog
from storage.catalog.shares import Group, GroupMember, Held, Item, Place, Scope, Tab, Visitor
from tests.collab.sharing.worlds import GROUPS, MATERIALS, NOW, PEOPLE, World, worlds

pytestmark = pytest.mark.anyio


async def build(catalog: Catalog, world: World) -> None:
    for id in ("t", "u"):
        await catalog.shelf.add_tab(Tab(id, world.owner, "", "", 0, 1))
    for id, tab in MATERIALS.items():
        await catalog.shelf.add(Item(id, None, "", 1, "", world.owner, tab, 0, 1))
    for group in GROUPS:
        await catalog.groups.add(Group(group, "ann", "", None, 1))
    for group, who in world.members:
        await catalog.groups.join(group, GroupMember(who, 1, who))
    for share in world.shares:
        await catalog.sharing.give(share)
    for link in world.links:
        await catalog.sharing.add_link(link)
    for scope, target, who in world.blocks:
        await catalog.sharing.block(scope, target, who, by="ann", now=1)
    for scope, target in world.trashed:
        await catalog.shelf.trash(scope, target, 1)


@given(world=worlds())
@settings(max_examples=20)
async def test_every_role_is_what_a_naive_model_says(world: World) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_module, "unix_milliseconds", lambda: NOW)
        catalog = Catalog(Path(folder) / "catalog.db")
        await catalog.start()
        try:
            await build(catalog, world)
            access = Access(catalog)
            links = ["", "absent", *(link.id for link in world.links)]
            for person, link, material in itertools.product((*PEOPLE, "zoe"), links, MATERIALS):
                expected = world.role(person, link, material)
                assert await access.role(person, link, material) == expected, (person, link, material)
        finally:
            await catalog.close()


@given(world=worlds())
@settings(max_examples=8)
async def test_all_visitors_asked_at_once_get_what_each_gets_alone(world: World) -> None:
    with TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "catalog.db")
        await catalog.start()
        try:
            await build(catalog, world)
            visitors = [
                Visitor(who, link) for who in PEOPLE for link in ("", *(one.id for one in world.links))
            ]
            for material in MATERIALS:
                together = await catalog.sharing.place(Scope.MATERIAL, material, visitors, NOW)
                assert together is not None
                for visitor in visitors:
                    alone = await catalog.sharing.place(Scope.MATERIAL, material, [visitor], NOW)
                    assert alone is not None
                    assert stand(together, visitor) == stand(alone, visitor)
        finally:
            await catalog.close()


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    await catalog.start()
    await build(catalog, World())
    yield catalog
    await catalog.close()


async def test_what_is_absent_and_what_is_denied_look_the_same(catalog: Catalog) -> None:
    access = Access(catalog)
    assert await access.standing(Visitor("bob"), Scope.MATERIAL, "m") is None
    assert await access.standing(Visitor("bob"), Scope.MATERIAL, "absent") is None
    assert await access.standing(Visitor("bob"), Scope.TAB, "absent") is None
    assert await access.standing(Visitor(""), Scope.MATERIAL, "m") is None


async def test_without_a_catalogue_nothing_has_an_owner() -> None:
    access = Access(None)
    assert await access.place(Scope.MATERIAL, "m", [Visitor("ann")]) is None
    assert await access.revoked(["ann"], "m") == {}


async def test_an_owner_keeps_what_lies_in_the_trash_and_plays_no_role_on_the_wire(catalog: Catalog) -> None:
    await catalog.shelf.trash(Scope.TAB, "t", 1)
    access = Access(catalog)

    assert await access.standing(Visitor("ann"), Scope.MATERIAL, "m") == Standing(Role.OWNER, trashed=True)
    assert await access.role("ann", "", "m") is None


def place(**changes: object) -> Place:
    fields: dict[str, object] = {"owner": "ann", "tab": None, "trashed": False, "frozen": ""}
    fields |= {"users": {}, "links": {}, "barred": set(), "closed": set(), "logins": set()}
    return Place(**(fields | changes))  # type: ignore[arg-type]


def test_a_role_that_nobody_knows_is_none_and_the_next_expiry_is_told() -> None:
    there = place(users={"bob": [Held("emperor", None)]})
    assert stand(there, Visitor("bob")) is None

    there = place(users={"bob": [Held("viewer", None), Held("editor", 7), Held("taker", 9)]})
    assert stand(there, Visitor("bob")) == Standing(Role.EDITOR, 7)


def test_a_closed_account_and_a_login_that_ended_are_nothing_even_to_the_owner() -> None:
    assert stand(place(closed={"ann"}), Visitor("ann")) is None
    assert stand(place(), Visitor("ann", "", "ended")) is None
    assert stand(place(logins={"live"}), Visitor("ann", "", "live")) == Standing(Role.OWNER)
    assert stand(place(barred={"ann"}), Visitor("ann")) == Standing(Role.OWNER), "nobody blocks an owner"
