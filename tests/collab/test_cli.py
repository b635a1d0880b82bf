"""The command line: one clear line for everything that keeps a server from starting."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pycrdt import Text

from tests.collab.conftest import StartServer, connected


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
        ({"STUDYHUB_PROXIES": "10.0.0.1, *"}, (), "STUDYHUB_PROXIES"),
    ],
)
def test_settings_that_make_no_sense(
    tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...], word: str
) -> None:
    data = ("--data", str(tmp_path))
    if "STUDYHUB_PORT" not in environment:
        data += ("--port", "0")
    assert word in one_line(studyhub("serve", *data, *arguments, **environment))


@contextmanager
def serving(data: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that is ready, and its address for clients."""
    command = (sys.executable, "-c", "from collab.cli import main; main()", "serve", "--port", "0")
    with subprocess.Popen(
        (*command, "--data", str(data)), stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as server:
        assert server.stdout is not None
        try:
            while "StudyHub ready" not in (line := server.stdout.readline()):
                assert server.poll() is None
            yield server, line.split()[-1].replace("http", "ws") + "/collab"
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_was_told_to_stop_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as (server, _):
        server.send_signal(number)

        assert server.wait(20) == 0


@pytest.mark.anyio
async def test_a_server_that_leaves_edits_behind_says_so(tmp_path: Path) -> None:
    environment = {"STUDYHUB_AUTH": "none", "STUDYHUB_DRAIN_SECONDS": "0.5"}
    with serving(tmp_path, **environment) as (server, url):
        async with connected(url, "m") as client:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, 0))  # as a full disk
            await client.edit(lambda: client.doc.get("text", type=Text).insert(0, "lost"))
            await client.resync()
            server.send_signal(signal.SIGTERM)

            assert await asyncio.to_thread(server.wait, 20) == 1


def test_a_dump_of_what_is_not_there(tmp_path: Path, start_server: StartServer) -> None:
    assert "no StudyHub data" in one_line(studyhub("dump", "m", "--data", str(tmp_path / "nothing")))
    assert "no such material" in one_line(studyhub("dump", "m", "--data", str(start_server().data)))
