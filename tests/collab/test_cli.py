"""The command line: one clear line for everything that keeps a server from starting."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collab.conftest import StartServer


def studyhub(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-c", "from collab.cli import main; main()", *arguments)
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=30, check=False)


def one_line(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 1
    assert run.stdout == ""
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    return run.stderr


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in one_line(studyhub("serve", "--port", port, "--data", str(tmp_path)))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    line = one_line(studyhub("serve", "--port", "0", "--data", str(tmp_path / "file" / "data")))

    assert "data folder" in line


def test_a_folder_that_another_server_uses(start_server: StartServer) -> None:
    line = one_line(studyhub("serve", "--port", "0", "--data", str(start_server().data)))

    assert "another server" in line


def test_a_log_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database " * 1000)

    assert "log" in one_line(studyhub("serve", "--port", "0", "--data", str(tmp_path)))


@pytest.mark.parametrize(
    ("environment", "arguments", "word"),
    [
        ({"STUDYHUB_AUTH": "none"}, ("--host", "0.0.0.0"), "loopback"),
        ({"STUDYHUB_AUTH": "jwt"}, (), "STUDYHUB_JWT_SECRET"),
        ({"STUDYHUB_AUTH": "jwt", "STUDYHUB_JWT_SECRET": "short"}, (), "STUDYHUB_JWT_SECRET"),
        ({"STUDYHUB_AUTH": "magic"}, (), "STUDYHUB_AUTH"),
        ({"STUDYHUB_LEVEL": "replicated"}, (), "STUDYHUB_LEVEL"),
        ({"STUDYHUB_PORT": "70000"}, (), "STUDYHUB_PORT"),
    ],
)
def test_settings_that_make_no_sense(
    tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...], word: str
) -> None:
    data = ("--data", str(tmp_path))
    if "STUDYHUB_PORT" not in environment:
        data += ("--port", "0")
    assert word in one_line(studyhub("serve", *data, *arguments, **environment))


def test_a_dump_of_what_is_not_there(tmp_path: Path, start_server: StartServer) -> None:
    assert "no StudyHub data" in one_line(studyhub("dump", "m", "--data", str(tmp_path / "nothing")))
    assert "no such material" in one_line(studyhub("dump", "m", "--data", str(start_server().data)))
