"""Tabs and materials of their owners, on both databases."""

import pytest

from storage.catalog.catalog import Catalog
from storage.catalog.shares import Item, Kind, Link, Scope, Share, Tab

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]


def tab(id: str, owner: str = "ann") -> Tab:
    return Tab(id, owner, f"Tab {id}", "blue", 99, 1)


def item(id: str, tab: str | None = "t", owner: str | None = "ann") -> Item:
    return Item(id, "guide", f"Material {id}", 1, "ann", owner, tab, 99, 1)


async def ids(catalog: Catalog, tab: str = "t") -> list[str]:
    return [one.id for one in await catalog.shelf.items(tab)]


async def test_tabs_stand_in_the_order_in_which_they_came_until_they_are_ordered(catalog: Catalog) -> None:
    for id in ("c", "a", "b"):
        await catalog.shelf.add_tab(tab(id))
    await catalog.shelf.add_tab(tab("other", "bob"))
    assert [(one.id, one.position) for one in await catalog.shelf.tabs("ann")] == [
        ("c", 0),
        ("a", 1),
        ("b", 2),
    ]

    await catalog.shelf.order_tabs("ann", ["b", "other", "c", "a"])

    assert [one.id for one in await catalog.shelf.tabs("ann")] == ["b", "c", "a"]
    assert [one.position for one in await catalog.shelf.tabs("bob")] == [0], (
        "another person's tab is not moved"
    )


async def test_a_tab_is_renamed_and_recoloured(catalog: Catalog) -> None:
    await catalog.shelf.add_tab(tab("t"))
    assert await catalog.shelf.change_tab("t", title="Biology")
    assert await catalog.shelf.change_tab("t", colour="red")
    assert await catalog.shelf.change_tab("t")

    found = await catalog.shelf.tab("t")
    assert found is not None
    assert (found.title, found.colour) == ("Biology", "red")
    assert not await catalog.shelf.change_tab("absent", title="x")
    assert await catalog.shelf.tab("absent") is None
    assert await catalog.shelf.tab("\0") is None


async def test_a_moved_material_is_the_last_of_its_new_tab_and_its_owners(catalog: Catalog) -> None:
    await catalog.shelf.add_tab(tab("t"))
    target = await catalog.shelf.add_tab(tab("u", "bob"))
    for id in ("a", "b"):
        await catalog.shelf.add(item(id))
    await catalog.shelf.add(item("z", "u", "bob"))

    assert await catalog.shelf.move("a", target, 7)

    assert await ids(catalog) == ["b"]
    assert await ids(catalog, "u") == ["z", "a"]
    moved = await catalog.shelf.item("a")
    assert moved is not None
    assert (moved.owner, moved.changed) == ("bob", 7)
    assert await catalog.shelf.move("a", None, 8)
    assert await ids(catalog, "u") == ["z"]
    assert not await catalog.shelf.move("absent", target, 9)


async def test_materials_of_a_tab_are_ordered(catalog: Catalog) -> None:
    for id in ("a", "b", "c"):
        await catalog.shelf.add(item(id))
    await catalog.shelf.add(item("x", "elsewhere"))

    await catalog.shelf.order("t", ["c", "x", "a", "b"])

    assert await ids(catalog) == ["c", "a", "b"]
    assert [one.position for one in await catalog.shelf.items("elsewhere")] == [0]


async def test_materials_are_listed_by_owner_in_pages(catalog: Catalog) -> None:
    for id in "dbca":
        await catalog.shelf.add(item(id))
    await catalog.shelf.add(item("0", None, "bob"))
    await catalog.shelf.trash(Scope.MATERIAL, "c", 5)

    first = await catalog.shelf.owned("ann", limit=2)
    second = await catalog.shelf.owned("ann", after=first[-1].id, limit=2)
    assert [one.id for one in (*first, *second)] == ["a", "b", "d"]
    assert [one.id for one in await catalog.shelf.owned("ann", trashed=True)] == ["c"]


async def test_the_trash_gives_back_what_it_was_given(catalog: Catalog) -> None:
    await catalog.shelf.add_tab(tab("t"))
    await catalog.shelf.add(item("a"))

    assert await catalog.shelf.trash(Scope.MATERIAL, "a", 5)
    assert not await catalog.shelf.trash(Scope.MATERIAL, "a", 6), "the time in the trash goes on"
    assert await ids(catalog) == []
    assert await catalog.shelf.restore(Scope.MATERIAL, "a")
    assert not await catalog.shelf.restore(Scope.MATERIAL, "a")
    assert await ids(catalog) == ["a"]

    assert await catalog.shelf.trash(Scope.TAB, "t", 5)
    assert await catalog.shelf.tabs("ann") == []
    assert [one.id for one in await catalog.shelf.tabs("ann", trashed=True)] == ["t"]


async def test_what_is_purged_is_what_was_long_in_the_trash_with_its_tab_or_alone(catalog: Catalog) -> None:
    for id in ("t", "u"):
        await catalog.shelf.add_tab(tab(id))
    await catalog.shelf.add(item("alone"))
    await catalog.shelf.add(item("late"))
    await catalog.shelf.add(item("in-tab", "u"))
    await catalog.shelf.add(item("kept"))
    await catalog.shelf.trash(Scope.MATERIAL, "alone", 10)
    await catalog.shelf.trash(Scope.MATERIAL, "late", 20)
    await catalog.shelf.trash(Scope.TAB, "u", 10)

    assert await catalog.shelf.expired(10) == []
    assert await catalog.shelf.expired(11) == ["alone", "in-tab"]
    assert await catalog.shelf.expired_tabs(11) == [], "it still holds a material"
    await catalog.shelf.purge(Scope.MATERIAL, "in-tab")
    assert await catalog.shelf.expired_tabs(11) == ["u"]
    assert await catalog.shelf.expired(21) == ["alone", "late"]


async def test_a_purge_forgets_what_was_given_on_it_and_nothing_else(catalog: Catalog) -> None:
    for id in ("a", "b"):
        await catalog.shelf.add(item(id))
        await catalog.sharing.give(Share(f"s{id}", Scope.MATERIAL, id, Kind.USER, "bob", "viewer", 1, "ann"))
        await catalog.sharing.add_link(Link(f"l{id}", Scope.MATERIAL, id, "viewer", "", 1, "ann"))
        await catalog.sharing.block("chat", id, "eve", by="ann", now=1)

    await catalog.shelf.purge(Scope.MATERIAL, "a")

    assert await catalog.shelf.item("a") is None
    assert [await catalog.sharing.share(f"s{id}") is None for id in "ab"] == [True, False]
    assert [await catalog.sharing.link(f"l{id}") is None for id in "ab"] == [True, False]
    assert [bool(await catalog.sharing.blocked("chat", id)) for id in "ab"] == [False, True]


async def test_a_rename_and_a_freeze_are_kept(catalog: Catalog) -> None:
    await catalog.shelf.add(item("a"))
    assert await catalog.shelf.rename("a", "Cells 🦠", 5)
    assert await catalog.shelf.freeze("a", "an exam is on", 6)

    found = await catalog.shelf.item("a")
    assert found is not None
    assert (found.title, found.frozen, found.changed) == ("Cells 🦠", "an exam is on", 6)
