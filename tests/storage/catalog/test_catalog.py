"""Materials go in and come out, on both databases."""

import asyncio

import pytest

from storage.catalog import catalog as catalog_module
from storage.catalog.catalog import Catalog
from storage.catalog.values import Material
from storage.errors import Unavailable
from tests.storage.catalog.materials import material
from tests.storage.catalog.places import Place
from tests.storage.processes import run

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]


async def listed(catalog: Catalog) -> list[Material]:
    return [material async for material in catalog.materials()]


async def test_a_material_comes_back_as_it_was(catalog: Catalog) -> None:
    plain = Material("biology/cells", None, "", 0, "")
    rich = Material("生物/ß😀'\"%", "guide", "Zellen & Ærø\n\u202e\x01", 2**63 - 1, "guest:1")
    for one in (plain, rich):
        await catalog.add_material(one)

    assert await catalog.material(plain.id) == plain
    assert await catalog.material(rich.id) == rich


async def test_adding_again_changes_nothing(catalog: Catalog) -> None:
    await catalog.add_material(material("a", "first"))
    await catalog.add_material(material("a", "second"))

    assert await listed(catalog) == [material("a", "first")]


@pytest.mark.parametrize("id", ["absent", "A", "a ", "", "\0", "a\0", "\ud800"])
async def test_an_id_that_nobody_added_is_none(catalog: Catalog, id: str) -> None:
    await catalog.add_material(material("a"))

    assert await catalog.material(id) is None


@pytest.mark.parametrize("page", [1, 2, 3, 7, 8])
async def test_materials_are_listed_by_code_point_whatever_the_page(
    catalog: Catalog, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "_PAGE", page)
    ids = ["\x01", "A", "Z", "a", "ab", "é", "😀"]
    for id in reversed(ids):
        await catalog.add_material(material(id))

    assert [one.id for one in await listed(catalog)] == ids


async def test_listing_goes_on_while_materials_are_added(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that takes its time holds nobody up."""
    monkeypatch.setattr(catalog_module, "_PAGE", 1)
    await catalog.add_material(material("a"))
    seen = []
    async for one in catalog.materials():
        seen.append(one.id)
        if one.id < "e":
            await catalog.add_material(material(chr(ord(one.id) + 1)))

    assert seen == ["a", "b", "c", "d", "e"]


async def test_a_closed_catalogue_is_unavailable(place: Place) -> None:
    catalog = Catalog(place)
    await catalog.start()
    await catalog.close()
    await catalog.close()
    with pytest.raises(Unavailable, match="closed"):
        await catalog.material("a")
    with pytest.raises(Unavailable, match="closed"):
        await anext(catalog.export())


async def test_a_catalogue_that_was_not_started_has_no_installation(place: Place) -> None:
    catalog = Catalog(place)
    with pytest.raises(RuntimeError, match="not started"):
        catalog.installation  # noqa: B018
    await catalog.close()


_WRITE = """
import asyncio, sys
from pathlib import Path
from storage.catalog.catalog import Catalog
from tests.storage.catalog.materials import material

async def main(place, name):
    catalog = Catalog(place if ":" in place else Path(place))
    await catalog.start()
    await asyncio.gather(*(catalog.add_material(material(f"{name}-{n}")) for n in range(100)))
    await catalog.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_write_at_once(catalog: Catalog, place: Place) -> None:
    await asyncio.gather(*(asyncio.to_thread(run, _WRITE, str(place), name) for name in "abc"))

    assert {one.id for one in await listed(catalog)} == {f"{name}-{n}" for name in "abc" for n in range(100)}


async def test_a_burst_of_new_materials_takes_turns(catalog: Catalog) -> None:
    await asyncio.gather(*(catalog.add_material(material(f"m{number}")) for number in range(100)))
    assert len([each async for each in catalog.materials()]) == 100
