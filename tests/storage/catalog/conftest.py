"""Empty databases of both kinds, the PostgreSQL ones on a real server."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.catalog.catalog import Catalog
from tests.servers import Postgres
from tests.storage.catalog.places import NewPlace, Place, run_sql

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server for all tests of a process; a test that stops it starts it again."""
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server
        server.kill()  # its data are thrown away: no need to write them down


@pytest.fixture
def new_sqlite(tmp_path: Path) -> NewPlace:
    async def make() -> Place:
        return tmp_path / f"catalog-{next(_numbers)}.db"

    return make


@pytest.fixture
def new_postgres(postgres: Postgres) -> NewPlace:
    async def make() -> Place:
        name = f"c{next(_numbers)}"
        await run_sql(postgres.url, f"CREATE DATABASE {name}")
        return postgres.url.rpartition("/")[0] + "/" + name

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def new_place(request: pytest.FixtureRequest) -> NewPlace:
    """Makes empty databases; every test that asks for it runs on both kinds."""
    make: NewPlace = request.getfixturevalue(f"new_{request.param}")
    return make


@pytest.fixture
async def place(new_place: NewPlace) -> Place:
    """An empty database."""
    return await new_place()


@pytest.fixture
async def catalog(place: Place) -> AsyncIterator[Catalog]:
    """A started catalogue on `place`."""
    catalog = Catalog(place)
    await catalog.start()
    yield catalog
    await catalog.close()
