"""The operator's commands on data folders."""

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pycrdt import Doc, Text

from collab.commands import copying
from storage.errors import Unavailable
from storage.lock import FolderLock
from tests.collab.conftest import StartServer, connected
from tests.collab.operations import DOCUMENTS, good, make, quiet_logs, read, refused, run
from tests.storage.documents import flip


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet_logs():
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make(tmp_path / "data")
    return tmp_path / "data"


def damage(data: Path, doc: str) -> None:
    """Flip a byte in the newest entry of `doc`."""
    with closing(sqlite3.connect(data / "log.db")) as database, database:
        query = (
            "SELECT sequence, data FROM entries JOIN documents ON documents.id = document "
            "WHERE name = ? ORDER BY epoch DESC, sequence DESC"
        )
        sequence, entry = database.execute(query, (doc,)).fetchone()
        database.execute("UPDATE entries SET data = ? WHERE sequence = ?", (flip(entry), sequence))


def test_help_imports_neither_server_nor_storage() -> None:
    script = "import collab.cli, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"pycrdt", "pydantic", "sqlalchemy", "structlog", "starlette", "websockets", "benchmarks.replay"}

    assert heavy & set(done.stdout.split()) == set()


def test_folders_migrate_and_their_share_links_stay_valid(data: Path, tmp_path: Path) -> None:
    before = read(data)
    assert good("migrate", "--from", data, "--to", tmp_path / "new").startswith("Migrated 4 documents, ")

    assert read(tmp_path / "new") == before
    assert before[0].secret == read(tmp_path / "new")[0].secret
    assert "no difference" in good("check", "--data", tmp_path / "new")


def test_a_folder_from_before_the_catalogue_migrates_with_its_secret(tmp_path: Path) -> None:
    make(tmp_path / "old")
    for file in (tmp_path / "old").glob("catalog.db*"):
        file.unlink()
    (tmp_path / "old" / "objects" / "installation").unlink()
    (tmp_path / "old" / "secret").write_bytes(b"s" * 32)
    good("migrate", "--from", tmp_path / "old", "--to", tmp_path / "new")

    assert read(tmp_path / "new")[0].secret == b"s" * 32


def test_a_migration_that_broke_off_is_taken_up_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise Unavailable("copy", "all", "the network is down")

    with monkeypatch.context() as patch:
        patch.setattr(copying, "copy_all", broken)
        assert "network" in refused("migrate", "--from", data, "--to", tmp_path / "new")
    good("migrate", "--from", data, "--to", tmp_path / "new")

    assert read(tmp_path / "new") == read(data)


def test_places_that_cannot_be_meant(data: Path, tmp_path: Path) -> None:
    settings = tmp_path / "cluster.env"
    settings.write_text("STUDYHUB_REDIS_ULR=redis://localhost\n")
    assert "STUDYHUB_REDIS_ULR is no setting" in refused("migrate", "--from", data, "--to", settings)
    settings.write_text("# nothing\n")
    assert "no line" in refused("migrate", "--from", data, "--to", settings)
    settings.write_text("STUDYHUB_PORT=many\n")
    assert "STUDYHUB_PORT" in refused("migrate", "--from", data, "--to", settings)
    (tmp_path / "empty").mkdir()
    assert "no StudyHub data" in refused("migrate", "--from", tmp_path / "empty", "--to", tmp_path / "new")
    assert "there is no" in refused("migrate", "--from", tmp_path / "gone", "--to", tmp_path / "new")
    assert "another server" in refused("migrate", "--from", data, "--to", data)


def test_a_target_with_data_of_its_own_is_refused(data: Path, tmp_path: Path) -> None:
    make(tmp_path / "other")
    before = read(tmp_path / "other")
    assert "other installation" in refused("migrate", "--from", data, "--to", tmp_path / "other")
    good("migrate", "--from", data, "--to", tmp_path / "new")
    assert "empty place" in refused("migrate", "--from", data, "--to", tmp_path / "new")

    assert read(tmp_path / "other") == before


def test_folders_in_use_are_refused(data: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    good("backup", saved, "--data", data)
    with FolderLock(data):
        assert "another server" in refused("migrate", "--from", data, "--to", tmp_path / "new")
        assert "another server" in refused("migrate", "--from", saved, "--to", data)
        assert "another server" in refused("restore", saved, "--data", data)
        assert "another server" in refused("compact", "--all", "--data", data)
        assert "no difference" in good("check", "--data", data)
    assert not (tmp_path / "new").exists()


def test_a_backup_is_restored_whole(data: Path, tmp_path: Path) -> None:
    before = read(data)
    assert good("backup", tmp_path / "saved", "--data", data).startswith("Saved 4 documents, ")
    assert good("restore", tmp_path / "saved", "--data", tmp_path / "new").startswith(
        "Restored 4 documents, "
    )

    assert read(tmp_path / "new") == before
    assert "no difference" in good("check", "--data", tmp_path / "new")
    good("restore", tmp_path / "saved", "--data", tmp_path / "again")  # it changed nothing in the backup


def test_a_backup_is_a_data_folder(data: Path, tmp_path: Path) -> None:
    good("backup", tmp_path / "saved", "--data", data)
    assert read(tmp_path / "saved") == read(data)


def test_a_backup_overwrites_nothing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert "is there already" in refused("backup", tmp_path / "full", "--data", data)
    (tmp_path / "empty").mkdir()
    good("backup", tmp_path / "empty", "--data", data)


def test_a_backup_that_broke_off_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying, "_seal", full)
    assert "No space left" in refused("backup", tmp_path / "saved", "--data", data)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("what", ["flipped", "missing", "no manifest", "another format", "cut manifest"])
def test_a_damaged_backup_is_refused_before_anything_is_written(
    data: Path, tmp_path: Path, what: str
) -> None:
    saved = tmp_path / "saved"
    good("backup", saved, "--data", data)
    manifest = saved / "manifest.json"
    victim = saved / random.Random(1).choice(sorted(json.loads(manifest.read_text())["files"]))
    match what:
        case "flipped":
            victim.write_bytes(flip(victim.read_bytes(), 10))
        case "missing":
            victim.unlink()
        case "no manifest":
            manifest.unlink()
        case "another format":
            manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
        case _:
            manifest.write_text(manifest.read_text()[:-20])
    assert "read backup" in refused("restore", saved, "--data", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_document_stops_no_backup_and_is_named(data: Path, tmp_path: Path) -> None:
    damage(data, "bare")
    for command in (
        ("backup", tmp_path / "saved", "--data", data),
        ("restore", tmp_path / "saved", "--data", tmp_path / "new"),
        ("migrate", "--from", tmp_path / "new", "--to", tmp_path / "third"),
    ):
        result = run(*command)
        assert result.exit_code == 1
        assert result.stderr.startswith("bare: does not open")
        assert "4 documents" in result.stdout
    for doc in DOCUMENTS.keys() - {"bare"}:
        assert good("inspect", doc, "--data", tmp_path / "third")
    assert "checksum" in refused("inspect", "bare", "--data", tmp_path / "third")


@pytest.mark.anyio
async def test_a_backup_of_a_running_server_has_all_that_was_saved_before(
    start_server: StartServer, tmp_path: Path
) -> None:
    """Clients write on meanwhile; what they were told is saved when it began is there, and the rest fits."""
    server = start_server(auth="none", compact_entries="5")
    saved = tmp_path / "saved"
    rooms = [f"room{number}" for number in range(4)]
    stop = asyncio.Event()

    async def type_on(room: str, begin: asyncio.Barrier) -> None:
        async with connected(server.url, room) as client:
            text = client.doc.get("text", type=Text)

            async def type_word(number: int) -> None:
                await client.edit(lambda: text.insert(len(str(text)), f"{room}-{number} "))
                await client.until_saved()

            for number in range(12):
                await type_word(number)
            await begin.wait()
            number = 12
            while not stop.is_set():
                await type_word(number)
                number += 1

    begin = asyncio.Barrier(len(rooms) + 1)
    typing = [asyncio.create_task(type_on(room, begin)) for room in rooms]
    await begin.wait()
    await asyncio.to_thread(good, "backup", saved, "--data", server.data)
    stop.set()
    await asyncio.gather(*typing)
    await asyncio.to_thread(good, "restore", saved, "--data", tmp_path / "new")

    assert "no difference" in await asyncio.to_thread(good, "check", "--data", tmp_path / "new")
    states = (await asyncio.to_thread(read, tmp_path / "new"))[1]
    for room in rooms:
        words = words_of(states[room])
        assert words == [f"{room}-{number}" for number in range(len(words))]
        assert len(words) >= 12
    assert "no difference" in await asyncio.to_thread(good, "check", "--data", server.data)


def words_of(state: bytes) -> list[str]:
    doc: Doc[Text] = Doc()
    doc.apply_update(state)
    return str(doc.get("text", type=Text)).split()


def test_check_names_each_difference_and_fails(data: Path) -> None:
    assert good("check", "--data", data).endswith("no difference.\n")
    assert good("check", "Ω", "bare", "--data", data).startswith("2 documents")
    damage(data, "bare")
    result = run("check", "--data", data)
    assert result.exit_code == 1
    *lines, summary = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["bare"]
    assert summary.endswith("1 difference.")
    found = json.loads(run("check", "--json", "--data", data).stdout)
    assert [one["document"] for one in found["differences"]] == ["bare"]


def test_compact_shrinks_the_log_and_needs_names(data: Path) -> None:
    assert "--all" in refused("compact", "--data", data)
    assert "--all" in refused("compact", "Ω", "--all", "--data", data)
    assert "no material" in refused("compact", "nothing", "--data", data)
    before = read(data)[1]
    assert good("compact", "Ω", "--data", data).startswith("Compacted 1 documents: ")
    good("compact", "--all", "--data", data)

    assert read(data)[1] == before
    assert "no difference" in good("check", "--data", data)
    assert json.loads(good("inspect", "bare", "--json", "--data", data))["snapshots"] == 1


def test_inspect_shows_what_is_stored(data: Path) -> None:
    assert "no such material" in refused("inspect", "nothing", "--data", data)
    found = json.loads(good("inspect", "Ω", "--json", "--data", data))
    assert (found["snapshots"], found["segments"], found["entries"]) == (2, 1, 2)
    assert found["authors"] == {"ann": 4}
    assert found["material"]["title"] == "Zellen"
    page = good("inspect", "Ω", "--data", data)
    assert "Zellen" in page
    assert "2 entries" in page


def test_commands_on_no_data_leave_nothing_behind(tmp_path: Path) -> None:
    for command in (("check",), ("compact", "--all"), ("inspect", "m"), ("backup", tmp_path / "saved")):
        assert "no StudyHub data" in refused(*command, "--data", tmp_path / "data")
    assert list(tmp_path.iterdir()) == []
