"""What was derived of who wrote what, and names, on both databases."""

import pytest

from storage.catalog.authorship import Derived, Known
from storage.catalog.catalog import Catalog
from storage.catalog.people_values import User
from storage.catalog.shares import Scope
from storage.catalog.values import Material
from storage.values import Cursor

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

FIRST, SECOND = Derived(Cursor(0, 7), b"\0first"), Derived(Cursor(1, 3), b"second")


async def test_the_last_that_was_kept_is_read(catalog: Catalog) -> None:
    await catalog.add_material(Material("m", None, "", 1, ""))
    assert await catalog.authorship.read("m") is None
    for derived in (FIRST, SECOND, FIRST):
        assert await catalog.authorship.keep("m", derived)
        assert await catalog.authorship.read("m") == derived
    assert await catalog.authorship.read("\0") is None


async def test_nothing_is_kept_of_what_the_catalogue_does_not_list(catalog: Catalog) -> None:
    """A purge forgets it; a reader that was under way then does not bring it back."""
    await catalog.add_material(Material("m", None, "", 1, ""))
    await catalog.authorship.keep("m", FIRST)
    await catalog.shelf.purge(Scope.MATERIAL, "m")

    assert await catalog.authorship.read("m") is None
    assert not await catalog.authorship.keep("m", FIRST)
    assert await catalog.authorship.read("m") is None


async def test_people_are_found_by_id_however_many(catalog: Catalog) -> None:
    people = catalog.people
    await people.add_user(User("ann", "Ann", 1))
    await people.claim(User("guest", "Guest", 1, guest=True), "ann")
    ids = {f"nobody {number}" for number in range(1100)} | {"ann", "guest", "\0"}

    assert await catalog.authorship.people(ids) == {
        "ann": Known("ann", "Ann", None),
        "guest": Known("guest", "Guest", "ann"),
    }
    assert await catalog.authorship.people([]) == {}
