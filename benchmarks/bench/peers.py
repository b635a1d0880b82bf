"""Other servers, started as children of this process: see benchmarks/peers."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.machine import cores, on_core
from benchmarks.bench.target import Target

FOLDER = Path(__file__).parents[1] / "peers"
SERVERS = Path(__file__).parents[2] / ".venv-servers" / "bin"
_START = 30.0  # seconds
_PORT = "PORT"


class PeerError(Exception):
    """A peer is not installed, or it does not start."""


@dataclass(frozen=True)
class Peer:
    """How to start a server; its port is where the command says _PORT, and in the variable PORT."""

    name: str
    dialect: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


_Y_WEBSOCKET = str(FOLDER / "node_modules" / "@y" / "websocket-server" / "src" / "server.js")
_UVICORN = (str(SERVERS / "uvicorn"), "pycrdt_websocket:app", "--log-level", "warning", "--port", _PORT)

PEERS = {
    peer.name: peer
    for peer in (
        Peer("hocuspocus", "hocuspocus", ("node", str(FOLDER / "hocuspocus.mjs"))),
        Peer(
            "hocuspocus-20",
            "hocuspocus",
            ("node", str(FOLDER / "hocuspocus.mjs")),
            environment={"FLUSH_DELAY": "20"},
        ),
        Peer("y-websocket", "y-websocket", ("node", _Y_WEBSOCKET), environment={"HOST": "127.0.0.1"}),
        Peer("pycrdt-websocket", "y-websocket", _UVICORN),
        Peer("relay", "relay", ("node", str(FOLDER / "relay.mjs"))),
    )
}
"""By name."""


def install() -> None:
    """Fetch the packages of npm if they are missing. Raises PeerError."""
    if (FOLDER / "node_modules").is_dir():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise PeerError("npm is needed to install the servers to compare with")
    run = subprocess.run((npm, "ci", "--silent", "--ignore-scripts"), cwd=FOLDER, check=False)
    if run.returncode:
        raise PeerError(f"npm ci in {FOLDER} failed")


@contextlib.contextmanager
def running(peer: Peer) -> Iterator[Target]:
    """The server on the first core, on a free port of loopback. Raises PeerError with its output."""
    port = _free_port()
    command = [str(port) if word == _PORT else word for word in peer.command]
    environment = {**os.environ, **peer.environment, "PORT": str(port), "NODE_ENV": "production"}
    with tempfile.TemporaryFile() as log, on_core(cores()[0]):
        try:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=FOLDER)
        except OSError as error:
            raise PeerError(f"{peer.name} cannot be started: {error}") from error
        try:
            if not _answers(port, process):
                log.seek(0)
                raise PeerError(f"{peer.name} did not start: {log.read()[-2000:].decode(errors='replace')}")
            yield Target(peer.name, (f"ws://127.0.0.1:{port}",), DIALECTS[peer.dialect], (process.pid,))
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.05)
    return False
