"""Objects on a disk: whole or not at all, and never mistaken for missing."""

import os
import shutil
import time
from pathlib import Path

import pytest

from storage.errors import Unavailable
from storage.file_objects import FileObjects
from tests.storage.processes import run, unprivileged

pytestmark = pytest.mark.anyio


async def test_a_crash_before_the_rename_leaves_no_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = FileObjects(tmp_path)
    await objects.put("a/1", b"old")

    def crash(*paths: object) -> None:
        raise OSError("the machine stops here")

    monkeypatch.setattr(os, "rename", crash)
    monkeypatch.setattr(Path, "unlink", crash)
    with pytest.raises(Unavailable, match="the machine stops here"):
        await objects.put("a/2", b"new")
    monkeypatch.undo()
    assert await objects.list("") == ["a/1"]
    assert len(list((tmp_path / "a").iterdir())) == 2


async def test_a_failed_put_cleans_up_behind_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr("storage.file_objects.sync_file", fail)
    with pytest.raises(Unavailable):
        await FileObjects(tmp_path).put("a/1", b"x")
    assert list((tmp_path / "a").iterdir()) == []


async def test_orphans_are_removed_when_they_are_old(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    await objects.put("a/1", b"x")
    old, young = tmp_path / "a" / ".tmp-old", tmp_path / "a" / ".tmp-young"
    for orphan in (old, young):
        orphan.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert await objects.list("a/") == ["a/1"]
    assert young.exists()
    assert not old.exists()


async def test_the_file_and_its_folders_are_synced_before_a_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    objects = FileObjects(tmp_path)
    monkeypatch.setattr(os, "fsync", note)
    await objects.put("a/b/1", b"x")
    folders = [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert [name for name in synced if "/.tmp-" not in name] == folders
    assert "/.tmp-" in synced[2]


async def test_a_root_that_vanished_is_unavailable_not_empty(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path / "objects")
    await objects.put("a/1", b"x")
    shutil.rmtree(tmp_path / "objects")
    for call in (
        objects.list("a/"),
        objects.get("a/1"),
        objects.put("a/2", b""),
        objects.delete("a/1"),
    ):
        with pytest.raises(Unavailable):
            await call


async def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    objects = FileObjects(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1").mkdir()
    with pytest.raises(Unavailable):
        await objects.get("a/1")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Unavailable):
        await objects.list("loop/")


@pytest.mark.parametrize("name", ["", "/", "a//b", "../a", "a/..", "./a", "/etc/x", "a/", "a/.tmp-1", "a\0"])
async def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    objects = FileObjects(tmp_path)
    for call in (objects.put(name, b""), objects.get(name), objects.delete(name)):
        with pytest.raises(ValueError, match="not an object name"):
            await call


def test_a_read_only_folder_is_unavailable_and_still_readable() -> None:
    output = unprivileged(
        "from storage.errors import Unavailable\n"
        "async def main():\n"
        "    assert await objects.get('1') == b'x'\n"
        "    for call in (objects.put('2', b'y'), objects.delete('1')):\n"
        "        try: await call\n"
        "        except Unavailable as error: print(error)\n"
        "    print(await objects.list(''))\n"
        "asyncio.run(main())",
        prepare="objects = storage.file_objects.FileObjects(folder)\n"
        "asyncio.run(objects.put('1', b'x')); os.chmod(folder / '1', 0o644)",
    )
    *errors, names = output.splitlines()
    assert len(errors) == 2
    assert all("Permission denied" in error for error in errors)
    assert names == "['1']"


def test_a_full_disk_is_unavailable_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: a write gets through in part, then fails."""
    output = run(
        "import asyncio, resource, sys; from pathlib import Path\n"
        "from storage.errors import Unavailable; from storage.file_objects import FileObjects\n"
        "async def main():\n"
        "    objects = FileObjects(Path(sys.argv[1]))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "    try: await objects.put('a', bytes(200_000))\n"
        "    except Unavailable: print('unavailable')\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "    print(await objects.list(''))\n"
        "    await objects.put('a', bytes(200_000))\n"
        "    print(len(await objects.get('a')))\n"
        "asyncio.run(main())",
        str(tmp_path),
    )
    assert output.splitlines() == ["unavailable", "[]", "200000"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
