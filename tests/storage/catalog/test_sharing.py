"""Grants, links, groups, blocks, and where somebody stands, on both databases."""

import pytest
from sqlalchemy import insert

from storage.catalog import tables
from storage.catalog.catalog import Catalog
from storage.catalog.people_values import User
from storage.catalog.shares import (
    Group,
    GroupMember,
    Held,
    Item,
    Kind,
    Link,
    Place,
    Scope,
    Share,
    Tab,
    Visitor,
)
from tests.storage.catalog.materials import material

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

NOW = 1000


@pytest.fixture
async def shelf(catalog: Catalog) -> Catalog:
    """A tab of Ann's with two materials, and one beside it."""
    await catalog.shelf.add_tab(Tab("t", "ann", "Biology", "", 0, 1))
    for id, tab in (("m", "t"), ("n", "t"), ("o", None)):
        await catalog.shelf.add(Item(id, "guide", "", 1, "ann", "ann", tab, 0, 1))
    return catalog


async def give(
    catalog: Catalog, target: str, grantee: str, role: str, expires: int | None = None, kind: Kind = Kind.USER
) -> Share:
    scope = Scope.TAB if target == "t" else Scope.MATERIAL
    share = Share(f"{scope}-{target}-{kind}-{grantee}", scope, target, kind, grantee, role, 1, "ann", expires)
    return await catalog.sharing.give(share)


async def place(catalog: Catalog, target: str, *visitors: Visitor, now: int = NOW) -> Place:
    scope = Scope.TAB if target == "t" else Scope.MATERIAL
    found = await catalog.sharing.place(scope, target, visitors, now)
    assert found is not None
    return found


async def roles(catalog: Catalog, target: str, subject: str) -> set[str]:
    found = await place(catalog, target, Visitor(subject))
    return {held.role for held in found.users.get(subject, ())}


async def test_what_is_absent_or_has_no_owner_is_no_place(shelf: Catalog) -> None:
    await shelf.add_material(material("free"))
    for scope, target in (
        (Scope.MATERIAL, "free"),
        (Scope.MATERIAL, "absent"),
        (Scope.TAB, "m"),
        (Scope.MATERIAL, "t"),
        (Scope.MATERIAL, "\0"),
    ):
        assert await shelf.sharing.place(scope, target, [Visitor("ann")], NOW) is None
    assert await shelf.sharing.place(Scope.MATERIAL, "m", [Visitor("\ud800")], NOW) is None


async def test_a_role_on_a_tab_holds_on_its_materials_and_on_no_others(shelf: Catalog) -> None:
    await give(shelf, "t", "bob", "editor")
    await give(shelf, "m", "bob", "viewer")

    assert await roles(shelf, "m", "bob") == {"editor", "viewer"}
    assert await roles(shelf, "n", "bob") == {"editor"}
    assert await roles(shelf, "o", "bob") == set()
    assert await roles(shelf, "t", "bob") == {"editor"}, "a role on a material gives none on the tab"
    assert await roles(shelf, "m", "eve") == set()


async def test_a_role_of_a_group_is_its_members(shelf: Catalog) -> None:
    await shelf.groups.add(Group("g", "ann", "7b", "CODE", 1))
    await shelf.groups.join("g", GroupMember("bob", 1, "Bob"))
    await give(shelf, "m", "g", "commenter", kind=Kind.GROUP)

    assert await roles(shelf, "m", "bob") == {"commenter"}
    assert await roles(shelf, "m", "g") == set(), "a group's id is nobody's name"
    await shelf.groups.leave("g", "bob")
    assert await roles(shelf, "m", "bob") == set()


async def test_an_expired_role_is_none_and_a_later_expiry_is_told(shelf: Catalog) -> None:
    await give(shelf, "m", "bob", "editor", expires=NOW)
    await give(shelf, "t", "bob", "viewer", expires=NOW + 1)

    found = await place(shelf, "m", Visitor("bob"))
    assert found.users == {"bob": [Held("viewer", NOW + 1)]}


async def test_a_link_counts_for_who_came_by_it_on_its_own_target_until_it_is_over(shelf: Catalog) -> None:
    for id, target in (("l", "m"), ("k", "t"), ("elsewhere", "o")):
        scope = Scope.TAB if target == "t" else Scope.MATERIAL
        await shelf.sharing.add_link(Link(id, scope, target, "viewer", "", 1, "ann", NOW + 5))
    visitors = [Visitor("guest:1", id) for id in ("l", "k", "elsewhere", "absent", "")]

    assert (await place(shelf, "m", *visitors)).links.keys() == {"l", "k"}
    assert (await place(shelf, "t", *visitors)).links.keys() == {"k"}
    assert await shelf.sharing.revoke_link("l", NOW)
    assert not await shelf.sharing.revoke_link("l", NOW)
    assert (await place(shelf, "m", *visitors)).links.keys() == {"k"}
    assert (await place(shelf, "m", *visitors, now=NOW + 5)).links == {}


async def test_a_block_bars_from_a_tab_or_a_material_and_a_muted_one_only_from_the_chat(
    shelf: Catalog,
) -> None:
    await shelf.sharing.block(Scope.TAB, "t", "eve", by="ann", now=1)
    await shelf.sharing.block(Scope.MATERIAL, "o", "mallory", by="ann", now=1)
    await shelf.sharing.block("chat", "m", "bob", by="ann", now=1)
    visitors = [Visitor(name) for name in ("eve", "mallory", "bob")]

    assert (await place(shelf, "m", *visitors)).barred == {"eve"}
    assert (await place(shelf, "o", *visitors)).barred == {"mallory"}
    assert await shelf.sharing.is_muted("m", ["*", "bob"])
    assert not await shelf.sharing.is_muted("m", ["*", "eve"])
    assert await shelf.sharing.unblock(Scope.TAB, "t", "eve")
    assert not await shelf.sharing.unblock(Scope.TAB, "t", "eve")
    assert (await place(shelf, "m", *visitors)).barred == set()


async def test_a_block_again_is_a_newer_one(shelf: Catalog) -> None:
    await shelf.sharing.block(Scope.MATERIAL, "m", "eve", by="ann", now=1)
    await shelf.sharing.block(Scope.MATERIAL, "*", "eve", by="ann", now=7)
    await shelf.sharing.block(Scope.MATERIAL, "m", "bob", by="ann", now=2)
    assert await shelf.sharing.blocked_since(["eve", "bob"], ["m", "*"]) == {"eve": 7, "bob": 2}
    await shelf.sharing.block(Scope.MATERIAL, "m", "eve", by="bob", now=9)

    assert await shelf.sharing.blocked(Scope.MATERIAL, "m") == [("bob", 2), ("eve", 9)]
    assert await shelf.sharing.blocked_since(["eve", "ann", "\0"], ["m", "*"]) == {"eve": 9}
    assert await shelf.sharing.blocked_since(["eve"], ["n"]) == {}


@pytest.mark.parametrize(("scope", "id"), [(Scope.TAB, "t"), (Scope.MATERIAL, "m")])
async def test_the_trash_of_a_tab_is_that_of_its_materials(shelf: Catalog, scope: Scope, id: str) -> None:
    assert not (await place(shelf, "m", Visitor("ann"))).trashed
    await shelf.shelf.trash(scope, id, 5)

    found = await place(shelf, "m", Visitor("ann"))
    assert (found.owner, found.tab, found.trashed) == ("ann", "t", True)


async def test_a_frozen_material_says_why(shelf: Catalog) -> None:
    await shelf.shelf.freeze("m", "exam", 5)

    assert (await place(shelf, "m", Visitor("ann"))).frozen == "exam"
    assert (await place(shelf, "n", Visitor("ann"))).frozen == ""


async def test_a_closed_account_is_barred_and_a_login_counts_until_it_is_over(shelf: Catalog) -> None:
    async with shelf._database.write("test") as connection:
        for id, disabled, erased in (("ann", False, None), ("bob", True, None), ("cid", False, 5)):
            row = {"id": id, "name": id, "email_verified": False, "totp_confirmed": False, "totp_step": 0}
            row |= {"tier": "free", "guest": False, "disabled": disabled, "created": 1, "erased": erased}
            await connection.execute(insert(tables.users).values(row))
        for id, expires, revoked in (("live", NOW + 1, None), ("over", NOW, None), ("ended", NOW + 1, 5)):
            row = {"id": id, "user": "ann", "created": 1, "seen": 1, "expires": expires, "revoked": revoked}
            row |= {"refresh": id.encode(), "device": "", "shared_computer": False}
            await connection.execute(insert(tables.logins).values(row))
    visitors = [Visitor("ann", "", login) for login in ("live", "over", "ended", "absent")]

    found = await place(shelf, "m", *visitors, Visitor("bob"), Visitor("cid"))

    assert found.closed == {"bob", "cid"}
    assert found.logins == {"live"}


async def test_a_role_given_again_takes_the_place_of_the_first(shelf: Catalog) -> None:
    first = await give(shelf, "m", "bob", "viewer", expires=5)
    again = await shelf.sharing.give(
        Share("other-id", Scope.MATERIAL, "m", Kind.USER, "bob", "editor", 8, "cid")
    )

    assert again == Share(first.id, Scope.MATERIAL, "m", Kind.USER, "bob", "editor", 8, "cid", None)
    assert await shelf.sharing.shares(Scope.MATERIAL, "m") == [again]
    assert await shelf.sharing.share(first.id) == again


async def test_what_is_taken_back_is_gone(shelf: Catalog) -> None:
    share = await give(shelf, "m", "bob", "viewer")
    await give(shelf, "t", "bob", "viewer")
    await give(shelf, "t", "bob", "editor", kind=Kind.GROUP)

    assert await shelf.sharing.take(share.id)
    assert not await shelf.sharing.take(share.id)
    assert await shelf.sharing.take_from(Scope.TAB, "t", "bob")
    assert [one.grantee_kind for one in await shelf.sharing.shares(Scope.TAB, "t")] == [Kind.GROUP]


async def test_what_others_share_with_a_person_is_listed_without_own_barred_and_trashed(
    shelf: Catalog,
) -> None:
    await give(shelf, "t", "bob", "viewer")
    await shelf.groups.add(Group("g", "ann", "7b", None, 1))
    await shelf.groups.join("g", GroupMember("bob", 1, "Bob"))
    await give(shelf, "o", "g", "viewer", kind=Kind.GROUP)
    for id, expires in (("p", None), ("expired", NOW), ("trashed", None), ("barred", None)):
        await shelf.shelf.add(Item(id, None, "", 1, "ann", "bob" if id == "p" else "ann", None, 0, 1))
        await give(shelf, id, "bob", "viewer", expires)
    await shelf.shelf.trash(Scope.MATERIAL, "trashed", 1)
    await shelf.sharing.block(Scope.MATERIAL, "barred", "bob", by="ann", now=1)

    assert [one.id for one in await shelf.sharing.shared_with("bob", NOW)] == ["m", "n", "o"]
    assert [one.id for one in await shelf.sharing.shared_with("bob", NOW, after="m", limit=1)] == ["n"]


async def test_groups_are_joined_by_a_code_that_one_of_them_has(catalog: Catalog) -> None:
    group = Group("g", "ann", "7b", "AAAA", 1)
    assert await catalog.groups.add(group)
    assert not await catalog.groups.add(Group("h", "bob", "8c", "AAAA", 1)), "the code is taken"
    assert await catalog.groups.add(Group("h", "bob", "8c", None, 1))
    assert await catalog.groups.of_code("AAAA") == group
    assert not await catalog.groups.set_code("h", "AAAA")
    assert await catalog.groups.set_code("g", "BBBB")
    assert await catalog.groups.of_code("AAAA") is None
    assert await catalog.groups.set_code("h", None)

    assert await catalog.groups.join("g", GroupMember("bob", 2, "Bob"))
    assert await catalog.groups.join("g", GroupMember("cid", 1, "Cid"))
    assert not await catalog.groups.join("g", GroupMember("bob", 3, "Robert"))
    assert [one.display_name for one in await catalog.groups.members("g")] == ["Cid", "Bob"]
    assert [one.id for one in await catalog.groups.joined("bob")] == ["g"]
    assert [one.id for one in await catalog.groups.owned("bob")] == ["h"]


async def test_a_removed_group_takes_its_roles_with_it(shelf: Catalog) -> None:
    await shelf.groups.add(Group("g", "ann", "7b", None, 1))
    await shelf.groups.join("g", GroupMember("bob", 1, "Bob"))
    await give(shelf, "m", "g", "viewer", kind=Kind.GROUP)
    assert await shelf.groups.rename("g", "8b")

    await shelf.groups.remove("g")

    assert await shelf.groups.group("g") is None
    assert await shelf.groups.members("g") == []
    assert await shelf.sharing.shares(Scope.MATERIAL, "m") == []


async def test_people_are_called_what_the_asker_may_know(shelf: Catalog) -> None:
    await shelf.people.add_user(User("bob", "Bob", 1))
    await shelf.people.add_user(User("gone", "", 1, erased=2))
    for group, owner, name in (("g", "ann", "Cid"), ("h", "ann", "Cid B."), ("k", "zoe", "Secret")):
        await shelf.groups.add(Group(group, owner, f"class {group}", None, 1))
        await shelf.groups.join(group, GroupMember("guest:cid", ord(group), name))
        await shelf.groups.join(group, GroupMember("bob", 1, "Robert"))

    names = await shelf.sharing.names("ann", ["bob", "gone", "guest:cid", "x", "\0"], ["g", "x"])

    assert names == {"bob": "Bob", "guest:cid": "Cid B.", "g": "class g"}
    assert await shelf.sharing.names("eve", ["guest:cid"]) == {}
