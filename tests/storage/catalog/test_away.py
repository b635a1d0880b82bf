"""A database that is away, busy, closed to us or gone is Unavailable, in time and in words that help."""

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import aiosqlite
import pytest
from sqlalchemy import text

from storage.catalog.catalog import Catalog
from storage.catalog.database import Database
from storage.errors import Unavailable
from tests.servers import Postgres
from tests.servers.process import free_ports
from tests.storage.catalog.materials import material
from tests.storage.catalog.places import NewPlace, Place, run_sql
from tests.storage.catalog.wire import Wire

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

_SECONDS = 0.6  # that an operation may take, where a test waits for it to be given up


async def refused(place: Place, seconds: float = 5.0) -> str:
    """What a start says that fails; nothing is left open."""
    catalog = Catalog(place, seconds=seconds)
    try:
        with pytest.raises(Unavailable) as caught:
            await catalog.start()
    finally:
        await catalog.close()
    return str(caught.value)


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
async def test_postgresql_may_be_restarted_under_a_running_node(
    postgres: Postgres, new_postgres: NewPlace, crash: bool
) -> None:
    """The pool's connections are dead then; no request has to find out."""
    catalog = Catalog(await new_postgres())
    await catalog.start()
    await asyncio.gather(*(catalog.add_material(material(f"before {n}")) for n in range(10)))

    await asyncio.to_thread(postgres.kill if crash else postgres.stop)
    with pytest.raises(Unavailable, match="PostgreSQL"):
        await catalog.add_material(material("meanwhile"))
    with pytest.raises(Unavailable, match="PostgreSQL"):
        await catalog.material("before 1")

    await asyncio.to_thread(postgres.start)
    await asyncio.gather(*(catalog.add_material(material(f"after {n}")) for n in range(10)))
    ids = {one.id async for one in catalog.materials()}
    assert ids - {"meanwhile"} == {f"{when} {n}" for when in ("before", "after") for n in range(10)}
    await catalog.close()


async def test_a_server_that_falls_silent_does_not_hold_a_request(
    postgres: Postgres, new_postgres: NewPlace
) -> None:
    """Neither on connections that are open nor on new ones; afterwards all goes on."""
    place = str(await new_postgres())
    wire = Wire(postgres.port)
    async with wire.port() as port:
        catalog = Catalog(place.replace(str(postgres.port), str(port)), seconds=_SECONDS)
        await catalog.start()
        wire.silent = True
        attempts = (catalog.add_material(material(str(n))) for n in range(20))
        results = await asyncio.wait_for(asyncio.gather(*attempts, return_exceptions=True), 60)
        wire.silent = False

        assert {type(result) for result in results} == {Unavailable}
        await catalog.add_material(material("a"))
        assert await catalog.material("a") == material("a")
        await catalog.close()


async def test_a_server_that_falls_silent_does_not_hold_the_end(
    postgres: Postgres, new_postgres: NewPlace
) -> None:
    place = str(await new_postgres())
    wire = Wire(postgres.port)
    async with wire.port() as port:
        catalog = Catalog(place.replace(str(postgres.port), str(port)), seconds=_SECONDS)
        await catalog.start()
        wire.silent = True
        await asyncio.wait_for(catalog.close(), 60)


async def test_a_start_does_not_wait_for_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        assert "no answer in time" in await refused(f"postgresql://127.0.0.1:{port}/x", _SECONDS)


async def test_more_requests_than_connections_wait_for_their_turn(place: Place) -> None:
    catalog = Catalog(place)
    await catalog.start()
    await asyncio.gather(*(catalog.add_material(material(str(n))) for n in range(100)))

    assert len([one async for one in catalog.materials()]) == 100
    await catalog.close()


async def test_a_request_that_gets_no_connection_is_told_so(place: Place) -> None:
    database = Database(place, _SECONDS)
    await database.create()

    async def occupy() -> None:
        async with database.freeze("occupy"):
            await asyncio.sleep(60)

    holders = [asyncio.create_task(occupy()) for _ in range(10)]
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable, match="all connections are in use"):
        async with database.read("look"):
            pass
    for holder in holders:
        holder.cancel()
    await asyncio.gather(*holders, return_exceptions=True)
    await database.close()


async def test_a_database_that_nobody_serves_is_named(postgres: Postgres) -> None:
    (port,) = free_ports(1)

    said = await refused(f"postgresql://me:geheim@127.0.0.1:{port}/x")

    assert "check that PostgreSQL runs there" in said
    assert f"127.0.0.1:{port}/x" in said
    assert "geheim" not in said


async def test_a_host_that_does_not_exist_is_named() -> None:
    assert "no-such-host.invalid" in await refused("postgresql://no-such-host.invalid/x")


async def test_a_missing_database_is_named(postgres: Postgres) -> None:
    said = await refused(postgres.url.rpartition("/")[0] + "/absent")

    assert 'database "absent" does not exist' in said
    assert "create the database" in said


async def test_an_unknown_user_is_told_to_check_the_url(postgres: Postgres) -> None:
    said = await refused(f"postgresql://nobody:geheim@127.0.0.1:{postgres.port}/studyhub")

    assert "check the user and the password in STUDYHUB_DATABASE_URL" in said
    assert "geheim" not in said


async def test_a_wrong_password_is_told_to_check_the_url(postgres: Postgres, new_postgres: NewPlace) -> None:
    """The server trusts everybody but the user of this test."""
    place = urlsplit(str(await new_postgres()))
    await run_sql(postgres.url, "CREATE ROLE locked LOGIN PASSWORD 'right'")
    await run_sql(postgres.url, f"ALTER DATABASE {place.path[1:]} OWNER TO locked")
    rules = Path(await ask(postgres.url, "SHOW hba_file"))
    rules.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    await run_sql(postgres.url, "SELECT pg_reload_conf()")
    while await can_connect(f"postgresql://locked:wrong@{place.hostname}:{place.port}{place.path}"):
        await asyncio.sleep(0.05)  # reloading takes a moment

    said = await refused(f"postgresql://locked:wrong@{place.hostname}:{place.port}{place.path}")

    assert "check the user and the password" in said
    assert "wrong" not in said
    catalog = Catalog(f"postgresql://locked:right@{place.hostname}:{place.port}{place.path}")
    await catalog.start()
    await catalog.close()


@pytest.mark.parametrize("revoked", ["CREATE", "USAGE"])
async def test_a_user_that_may_not_make_tables_is_told_what_to_grant(
    new_postgres: NewPlace, revoked: str
) -> None:
    place = str(await new_postgres())
    user = f"without_{revoked}".lower()
    await run_sql(place, f"CREATE ROLE {user} LOGIN")
    await run_sql(place, f"REVOKE {revoked} ON SCHEMA public FROM public")

    assert "GRANT CREATE" in await refused(place.replace("studyhub@", f"{user}@"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "geheim",
        "mysql://me:geheim@host/x",
        "postgresql://me:geheim@host:port/x",
        "postgresql://me:geheim@[host/x",
        "postgresql://me:geheim",
        *(f"postgresql://me:{sign}geheim@host/x" for sign in "/?#@"),
        *(f"postgresql://me:geheim{sign}@host/x" for sign in "/?#@"),
    ],
)
async def test_a_url_of_another_kind_is_refused_at_once(url: str) -> None:
    with pytest.raises(Unavailable, match="postgresql://user:password@host") as caught:
        Catalog(url)

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("query", ["sslmode=nonsense", "sslmode=require"])
async def test_what_the_url_asks_of_the_connection_is_kept(postgres: Postgres, query: str) -> None:
    """This server has no TLS: asking for it must fail, not be ignored."""
    assert "SSL" in (await refused(f"{postgres.url}?{query}")).upper()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgres://me:geheim@host", "host"),
        ("postgresql://me:%2F%40@host:5432/x?sslmode=require", "host:5432/x"),
        ("postgresql://me@[::1]:5432/x", "[::1]:5432/x"),
        ("postgresql://a:1,b:2/x?target_session_attrs=primary", "a:1,b:2/x"),
        ("postgresql:///x?host=/run/postgresql&password=geheim", "/x"),
    ],
)
async def test_every_form_of_libpq_is_taken_and_named_without_its_password(url: str, name: str) -> None:
    database = Database(url, 5)

    assert database.name == name
    await database.close()


async def test_a_file_that_another_program_holds_is_unavailable(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db", seconds=_SECONDS)
    await catalog.start()
    async with aiosqlite.connect(tmp_path / "catalog.db", isolation_level=None) as other:
        await other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="another program holds the database"):
            await catalog.add_material(material("a"))
        assert await catalog.material("a") is None  # reading goes on
        await other.execute("ROLLBACK")
        await catalog.add_material(material("a"))
    await catalog.close()


async def test_a_file_that_vanished_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db", 5)
    await database.create()
    (tmp_path / "catalog.db").unlink()
    with pytest.raises(Unavailable, match="check that the data folder is there"):
        async with database.read("look") as connection:
            await connection.execute(text("SELECT 1"))

    assert list(tmp_path.iterdir()) == []
    await database.close()


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "absent") in await refused(tmp_path / "absent" / "catalog.db")


async def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"something else" * 1000)

    assert "restore the database from a backup" in await refused(path)
    assert path.read_bytes() == b"something else" * 1000


async def test_only_the_owner_reads_the_file_that_holds_the_secret(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    await catalog.start()
    await catalog.add_material(material("a"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    await catalog.close()

    assert modes == {f"catalog.db{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


async def ask(url: str, query: str) -> str:
    database = Database(url, 5)
    async with database.read("ask") as connection:
        answer = await connection.scalar(text(query))
    await database.close()
    return str(answer)


async def can_connect(url: str) -> bool:
    try:
        await ask(url, "SELECT 1")
    except Unavailable:
        return False
    return True
