"""The first start of many makes the tables and the installation; every later one finds them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from storage.catalog.catalog import Catalog
from storage.catalog.database import Database
from storage.catalog.tables import HEAD, metadata
from storage.errors import Corrupt, Unavailable
from tests.storage.catalog.places import NewPlace, Place
from tests.storage.processes import ROOT, run

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

_START = """
import asyncio, json, sys
from pathlib import Path
from storage.catalog.catalog import Catalog

async def main():
    place = sys.argv[1]
    catalog = Catalog(place if ":" in place else Path(place))
    print("ready", flush=True)
    sys.stdin.readline()
    await catalog.start()
    print(json.dumps([catalog.installation.id, catalog.installation.secret.hex(), "alembic" in sys.modules]))
    await catalog.close()

asyncio.run(main())
"""


def started(place: Place, count: int) -> list[list[object]]:
    """Id, secret and whether Alembic was needed, of that many processes that start at the same moment."""
    command = [sys.executable, "-W", "error", "-c", _START, str(place)]
    nodes = [
        subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    for node in nodes:
        assert node.stdout is not None
        assert node.stdout.readline() == "ready\n"
    for node in nodes:
        assert node.stdin is not None
        node.stdin.write("\n")
        node.stdin.flush()
    outputs = [node.communicate(timeout=60)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0] * count
    return [json.loads(output) for output in outputs]


async def start(place: Place, legacy_secret: bytes | None = None) -> tuple[str, bytes]:
    catalog = Catalog(place)
    try:
        await catalog.start(legacy_secret)
        return catalog.installation.id, catalog.installation.secret
    finally:
        await catalog.close()


async def test_nodes_that_start_at_once_found_one_installation(place: Place) -> None:
    found = started(place, 4)

    assert len({(id, secret) for id, secret, _ in found}) == 1
    assert len(bytes.fromhex(str(found[0][1]))) == 32


async def test_a_start_waits_for_the_one_under_way(place: Place) -> None:
    """Longer than anything else waits: it may have tables to change."""
    database, catalog = Database(place, 5), Catalog(place, seconds=2)
    await database.create()
    async with database.alone("another start"):
        starting = asyncio.create_task(catalog.start())
        done, _ = await asyncio.wait([starting], timeout=2)
        assert not done
    await starting
    await catalog.close()
    await database.close()


async def test_a_later_start_finds_the_installation_and_needs_no_alembic(place: Place) -> None:
    ((id, secret, migrated),) = started(place, 1)

    assert migrated
    assert started(place, 1) == [[id, secret, False]]


async def test_two_databases_are_two_installations(place: Place, tmp_path: Path) -> None:
    first, second = await start(place), await start(tmp_path / "other.db")

    assert first[0] != second[0]
    assert first[1] != second[1]


async def test_the_secret_of_before_is_taken_over_once(place: Place) -> None:
    id, secret = await start(place, b"f" * 64)

    assert secret == b"f" * 64
    assert await start(place, b"other" * 10) == (id, secret)
    assert await start(place) == (id, secret)


async def test_a_secret_that_is_too_short_is_refused_and_leaves_nothing(place: Place) -> None:
    """The tables were made in the same transaction: none stays."""
    with pytest.raises(Corrupt, match="15 bytes"):
        await start(place, b"f" * 15)

    assert await tables_of(place) == []
    assert await start(place, b"f" * 16)


async def test_the_migrations_lead_to_the_tables_of_the_code(place: Place) -> None:
    await start(place)
    database = Database(place, 5)

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with database.read("compare") as connection:
        assert await connection.run_sync(differences) == []
    await database.close()
    assert await tables_of(place) == sorted([*metadata.tables, "alembic_version"])


async def test_postgresql_sorts_ids_as_sqlite_does(new_postgres: NewPlace) -> None:
    """Left alone it would sort by the language of the server."""
    place = await new_postgres()
    await start(place)
    database = Database(place, 5)
    query = "SELECT collation_name FROM information_schema.columns WHERE table_name = 'materials'"
    async with database.read("look") as connection:
        assert await connection.scalar(text(f"{query} AND column_name = 'id'")) == "C"
    await database.close()


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "storage.catalog:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_newer_tables_are_refused_and_left_alone(place: Place) -> None:
    await start(place)
    database = Database(place, 5)
    async with database.write("age") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Unavailable, match=f"revision 9999, newer than {HEAD}.*upgrade StudyHub"):
        await start(place)

    async with database.read("look") as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    await database.close()


def test_the_values_cost_no_import_of_sqlalchemy() -> None:
    assert run("import sys, storage.catalog.values; print('sqlalchemy' in sys.modules)") == "False\n"


async def tables_of(place: Place) -> list[str]:
    database = Database(place, 5)
    async with database.read("list tables") as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await database.close()
    return sorted(names)
