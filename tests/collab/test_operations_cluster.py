"""From one machine to a cluster and back, through real servers: Valkey, S3 and PostgreSQL."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from collab.backends import keep_lease, open_backends
from collab.commands.places import settings_of
from tests.collab.operations import good, make, quiet_logs, read, refused
from tests.servers import Moto, Postgres, Valkey
from tests.storage.catalog.places import run_sql

pytestmark = pytest.mark.xdist_group("operations")

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet_logs():
        yield


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with ExitStack() as stack:
        servers = SimpleNamespace(
            valkey=stack.enter_context(Valkey(tmp_path_factory.mktemp("valkey"))),
            s3=stack.enter_context(Moto(tmp_path_factory.mktemp("s3"))),
            postgres=stack.enter_context(Postgres(tmp_path_factory.mktemp("postgres"))),
        )
        yield servers
        for server in vars(servers).values():
            server.kill()  # its data are thrown away: no need to write them down


@pytest.fixture
def cluster(servers: SimpleNamespace, tmp_path: Path) -> Path:
    """The settings of an empty cluster, in a file."""
    name = f"c{next(_numbers)}"
    asyncio.run(run_sql(servers.postgres.url, f"CREATE DATABASE {name}"))
    lines = {
        "REDIS_URL": servers.valkey.url,
        "S3_BUCKET": name + "-bucket",
        "S3_ENDPOINT": servers.s3.url,
        "S3_ACCESS_KEY": servers.s3.access_key,
        "S3_SECRET_KEY": servers.s3.secret_key,
        "S3_CREATE_BUCKET": "true",
        "DATABASE_URL": servers.postgres.url.rpartition("/")[0] + "/" + name,
    }
    file = tmp_path / "cluster.env"
    file.write_text("".join(f'STUDYHUB_{key}="{value}"\n' for key, value in lines.items()))
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make(tmp_path / "data")
    return tmp_path / "data"


def test_to_a_cluster_and_back_changes_nothing(data: Path, cluster: Path, tmp_path: Path) -> None:
    before = read(data)
    good("migrate", "--from", data, "--to", cluster)
    assert read(cluster) == before
    good("migrate", "--from", cluster, "--to", tmp_path / "back")
    assert read(tmp_path / "back") == before
    assert "no difference" in good("check", "--data", tmp_path / "back")


def test_a_cluster_is_checked_compacted_saved_and_restored(
    data: Path, cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(data)
    good("migrate", "--from", data, "--to", cluster)
    for line in cluster.read_text().splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value.strip('"'))
    assert "no difference" in good("check")
    good("backup", tmp_path / "saved")
    good("compact", "--all")
    assert "no difference" in good("check")
    assert "Zellen" in good("inspect", "Ω")
    assert "other installation" in refused_into_another(data, cluster, tmp_path)
    assert "empty place" in refused("restore", tmp_path / "saved")
    assert read(tmp_path / "saved") == before


def refused_into_another(data: Path, cluster: Path, tmp_path: Path) -> str:
    make(tmp_path / "another")
    return refused("migrate", "--from", tmp_path / "another", "--to", cluster)


def test_a_cluster_with_running_nodes_is_refused(data: Path, cluster: Path, tmp_path: Path) -> None:
    good("migrate", "--from", data, "--to", cluster)

    async def work() -> None:
        async with open_backends(settings_of(cluster)) as node:
            life = asyncio.create_task(keep_lease(node))
            while not await node.lease.held("node/"):
                await asyncio.sleep(0.01)
            for pair in ((cluster, tmp_path / "new"), (data, cluster)):
                line = await asyncio.to_thread(refused, "migrate", "--from", pair[0], "--to", pair[1])
                assert f"nodes are running: {node.log.node};" in line
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    asyncio.run(work())
    good("migrate", "--from", cluster, "--to", tmp_path / "new")


def test_a_server_that_is_away_is_one_line(data: Path, cluster: Path) -> None:
    text = cluster.read_text()
    for name in ("REDIS_URL", "DATABASE_URL"):
        lines = [line if name not in line else _nowhere(line) for line in text.splitlines()]
        cluster.write_text("\n".join(lines))
        refused("migrate", "--from", data, "--to", cluster)
    cluster.write_text(text)
    good("migrate", "--from", data, "--to", cluster)


def _nowhere(line: str) -> str:
    scheme = "redis://127.0.0.1:1/0" if "REDIS" in line else "postgresql://u:secret@127.0.0.1:1/d"
    return f'{line.partition("=")[0]}="{scheme}"'
