"""A server as a child process that never outlives the tests."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

ENVIRONMENT = Path(__file__).parents[2] / ".venv-servers"
"""Where scripts/install-servers puts the servers."""

_START = 60.0  # seconds that a start may take
_STOP = 20.0  # seconds from asking it to end to SIGKILL
_POLL = 0.02  # seconds between two looks whether it is ready
_PORTS = range(10_000, 32_000)  # below those that the system gives to outgoing connections
_PR_SET_PDEATHSIG = 1  # prctl(2)

_libc = ctypes.CDLL(None, use_errno=True)
# Linux ends a child when the *thread* that made it ends, so all are made by one that lives as long as we do.
_maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="servers")


class Server(ABC):
    """A server with its data in `folder`. Entering it as a context starts it, leaving it stops it.

    Attributes:
        folder: its data and its log file; created if missing.
        stop_signal: what asks it to end in good order.
    """

    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it; the same after every start."""

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves. May raise OSError, which means no."""

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it serves. Raises RuntimeError with the end of its log otherwise."""
        if self._process is not None:
            raise RuntimeError(f"{type(self).__name__} runs already")
        self._process = _maker.submit(self._spawn).result()
        until = time.monotonic() + _START
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{self.log()[-3000:]}")
            time.sleep(_POLL)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; nothing happens when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end, or SIGKILL it if that takes too long; nothing happens when it does not run."""
        if self._process is not None:
            self.resume()
            self._process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP)
            self.kill()

    def pause(self) -> None:
        """Freeze it with SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after a pause."""
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        """What it wrote so far, over all its starts."""
        return (self.folder / "server.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _credentials(self) -> dict[str, Any]:
        """The arguments of Popen that make it run as somebody else."""
        return {}

    def _spawn(self) -> subprocess.Popen[bytes]:
        with open(self.folder / "server.log", "ab") as log:
            return subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                preexec_fn=_end_with_parent,
                **self._credentials(),
            )

    def _serves(self) -> bool:
        try:
            return self.is_ready()
        except OSError:
            return False


def program(path: str) -> str:
    """The program at `path` inside the servers' environment. Raises RuntimeError when it is not installed."""
    matches = sorted(ENVIRONMENT.glob(path))
    if not matches:
        raise RuntimeError(f"{ENVIRONMENT.name}/{path} is missing: `make test` installs the servers")
    return str(matches[0])


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on."""
    ports: set[int] = set()
    while len(ports) < count:
        port = random.choice(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            ports.add(port)
    return list(ports)


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
