"""A data folder has one server."""

import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import Unavailable
from storage.lock import FolderInUse, FolderLock
from tests.storage.processes import ROOT, unprivileged


def test_a_second_server_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with FolderLock(folder) as lock:
        with pytest.raises(FolderInUse, match="another server uses it"):
            FolderLock(folder)
        lock.release()
        lock.release()
        FolderLock(folder).release()


def test_a_killed_server_holds_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from storage.lock import FolderLock\n"
        "lock = FolderLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(FolderInUse):
            FolderLock(tmp_path)
        child.kill()
    FolderLock(tmp_path).release()


def test_a_folder_that_cannot_be_written_gives_one_line() -> None:
    output = unprivileged(
        "from storage.errors import Unavailable; from storage.lock import FolderLock\n"
        "try: FolderLock(folder)\n"
        "except Unavailable as error: print(error)"
    )
    (line,) = output.splitlines()
    assert "Permission denied (choose a folder that this user can write to)" in line


def test_a_file_in_place_of_the_folder_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(Unavailable, match="open data folder"):
        FolderLock(tmp_path / "data")
