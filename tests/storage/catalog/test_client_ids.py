"""Whose client ids are, on both databases."""

import pytest

from storage.catalog.catalog import Catalog
from storage.catalog.shares import Item, Scope

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

LARGEST = 2**53 - 1  # client id of Yjs and pycrdt


async def test_who_comes_first_owns_an_id_and_who_comes_later_is_told(catalog: Catalog) -> None:
    assert await catalog.client_ids.claim("m", {7: "ann", LARGEST: "ben"}, 1) == {7: "ann", LARGEST: "ben"}
    assert await catalog.client_ids.claim("m", {7: "eve", 8: "eve"}, 2) == {7: "ann", 8: "eve"}
    assert await catalog.client_ids.owners("m") == {7: "ann", 8: "eve", LARGEST: "ben"}


async def test_an_id_has_an_owner_in_one_document_alone(catalog: Catalog) -> None:
    await catalog.client_ids.claim("m", {7: "ann"}, 1)
    assert await catalog.client_ids.owners("n") == {}
    assert await catalog.client_ids.claim("n", {7: "ben"}, 1) == {7: "ben"}


async def test_a_whole_class_is_claimed_at_once(catalog: Catalog) -> None:
    owners = {client: f"u{client % 7}" for client in range(1201)}
    assert await catalog.client_ids.claim("m", owners, 1) == owners
    assert await catalog.client_ids.owners("m") == owners
    assert await catalog.client_ids.claim("m", {}, 1) == {}


async def test_what_cannot_be_stored_has_no_owner(catalog: Catalog) -> None:
    assert await catalog.client_ids.claim("m", {1: "a\0b", 2: "ann"}, 1) == {2: "ann"}
    assert await catalog.client_ids.claim("m\0", {1: "ann"}, 1) == {}
    assert await catalog.client_ids.owners("m\0") == {}


async def test_a_purged_material_leaves_none(catalog: Catalog) -> None:
    await catalog.shelf.add(Item("m", "guide", "", 1, "ann", "ann", None, 0, 1))
    await catalog.client_ids.claim("m", {1: "ann"}, 1)
    await catalog.shelf.purge(Scope.MATERIAL, "m")
    assert await catalog.client_ids.owners("m") == {}
