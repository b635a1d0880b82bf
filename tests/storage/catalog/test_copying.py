"""A catalogue moves between databases whole, or not at all."""

import itertools
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.catalog import copying
from storage.catalog.catalog import Catalog
from storage.catalog.copying import REVISION
from storage.catalog.values import Material, Page
from storage.errors import StorageError, Unavailable
from tests.storage.catalog.materials import MATERIALS, material
from tests.storage.catalog.places import NewPlace, Place

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

_INSTALLATION: Page = (
    "installation",
    [{"id": "86fdf7d2-b8e2-4f41-ad9a-6253514f5291", "secret": b"hidden" * 6, "created": 1}],
)


async def stream(pages: Iterable[Page]) -> AsyncGenerator[Page, None]:
    for page in pages:
        yield page


async def exported(catalog: Catalog) -> list[Page]:
    return [page async for page in catalog.export()]


@given(rows=st.lists(MATERIALS, max_size=12, unique_by=lambda one: one.id), page=st.integers(1, 5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sqlite_to_postgresql_and_back_changes_nothing(
    new_sqlite: NewPlace, new_postgres: NewPlace, rows: list[Material], page: int
) -> None:
    catalogs = [Catalog(await make()) for make in (new_sqlite, new_postgres, new_sqlite)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_ROWS", page)
        await catalogs[0].start(b"secret of this place")
        for row in rows:
            await catalogs[0].add_material(row)
        for source, target in itertools.pairwise(catalogs):
            await target.import_(source.export())
        first, *others = [await exported(catalog) for catalog in catalogs]

    assert others == [first, first]
    assert {catalog.installation for catalog in catalogs} == {catalogs[0].installation}
    assert [one async for one in catalogs[2].materials()] == sorted(rows, key=lambda one: one.id)
    for catalog in catalogs:
        await catalog.close()


async def test_a_started_catalogue_is_not_empty(catalog: Catalog) -> None:
    before = await exported(catalog)
    with pytest.raises(StorageError, match=r"has rows.*empty database"):
        await catalog.import_(stream([REVISION, _INSTALLATION]))

    assert await exported(catalog) == before


@pytest.mark.parametrize(
    "pages",
    [[], [_INSTALLATION], [("alembic_version", [{"version_num": "9999"}]), _INSTALLATION]],
    ids=["nothing", "no revision", "another revision"],
)
async def test_rows_of_other_tables_are_refused(place: Place, pages: list[Page]) -> None:
    catalog = Catalog(place)
    with pytest.raises(StorageError, match="not rows of the tables of revision"):
        await catalog.import_(stream(pages))
    await catalog.close()


async def test_an_import_without_an_installation_is_refused(place: Place) -> None:
    """Nobody should get another secret unasked."""
    catalog = Catalog(place)
    with pytest.raises(StorageError, match="no installation"):
        await catalog.import_(stream([REVISION]))
    await catalog.close()


@pytest.mark.parametrize(
    "bad",
    [("users", [{"id": "1"}]), ("materials", [{"name": "x"}]), ("materials", [{"id": "x"}]), _INSTALLATION],
    ids=["unknown table", "unknown column", "missing column", "twice"],
)
async def test_a_failed_import_leaves_an_empty_database_and_shows_no_row(place: Place, bad: Page) -> None:
    catalog = Catalog(place)
    with pytest.raises(StorageError) as caught:
        await catalog.import_(stream([REVISION, _INSTALLATION, bad]))
    await catalog.import_(stream([REVISION, _INSTALLATION]))

    assert "hidden" not in str(caught.value)
    assert catalog.installation.secret == b"hidden" * 6
    await catalog.close()


async def test_an_import_whose_source_ends_early_leaves_an_empty_database(place: Place) -> None:
    async def broken() -> AsyncGenerator[Page, None]:
        yield REVISION
        yield _INSTALLATION
        raise Unavailable("read backup", "materials")

    catalog = Catalog(place)
    with pytest.raises(Unavailable, match="read backup"):
        await catalog.import_(broken())
    await catalog.import_(stream([REVISION, _INSTALLATION]))
    await catalog.close()


async def test_a_refused_import_lets_go_of_its_source(catalog: Catalog, new_sqlite: NewPlace) -> None:
    """A source that was begun holds a connection of its own."""
    target = Catalog(await new_sqlite())
    exports = [catalog.export() for _ in range(20)]  # more than the pool has connections
    for pages in exports:
        await anext(pages)  # so the target misses the revision
        with pytest.raises(StorageError, match="not rows"):
            await target.import_(pages)

    await catalog.add_material(material("a"))
    await target.close()


async def test_an_export_shows_one_moment(catalog: Catalog) -> None:
    """What is added while it runs is not in it, though its table is still to come."""
    await catalog.add_material(material("a"))
    before = await exported(catalog)
    seen = []
    async with aclosing(catalog.export()) as pages:
        async for page in pages:
            seen.append(page)
            if page[0] == "installation":
                await catalog.add_material(material("b"))

    assert seen == before
    assert await catalog.material("b") == material("b")


async def test_an_export_that_is_given_up_lets_go_of_its_connection(catalog: Catalog) -> None:
    for _ in range(20):  # more than the pool has
        async with aclosing(catalog.export()) as pages:
            await anext(pages)
            await anext(pages)

    await catalog.add_material(material("a"))
