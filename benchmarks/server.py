"""A StudyHub server as a process of its own, to be measured, killed and started again."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

_COMMAND = (sys.executable, "-c", "from collab.cli import main; main()")  # needs no script on the PATH
_READY = re.compile(r"StudyHub ready: (\S+)")
_START = 60.0  # seconds that a start may take


class ServerProcess:
    """`studyhub serve` on loopback, open to every name, with its data in one folder.

    Attributes:
        data: the folder.
        log: what the server wrote so far, stdout and stderr, for the message of a failure.
        status: the exit status of the process that ended last; negative: the signal that ended it.
    """

    def __init__(self, data: Path, **environment: str) -> None:
        """`environment` is added to that of this process."""
        self.data = data
        self.log: list[str] = []
        self.status: int | None = None
        self._environment = {**os.environ, "STUDYHUB_AUTH": "none", **environment}
        self._port = 0  # the first start takes a free one, later starts the same one
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()  # the ready line has come, or the output has ended
        self._running = False
        self._reader: threading.Thread | None = None

    @property
    def http(self) -> str:
        """The address for HTTP, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The address for y-websocket clients, before the room's name."""
        return f"ws://127.0.0.1:{self._port}/collab"

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when the server does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it is ready. Raises RuntimeError with its output otherwise."""
        self._ready.clear()
        self._running = False
        arguments = ("serve", "--host", "127.0.0.1", "--port", str(self._port), "--data", str(self.data))
        self._process = subprocess.Popen(
            (*_COMMAND, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=self._environment,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self._ready.wait(_START)
        if not self._running:
            self.kill()
            raise RuntimeError("the server did not start:\n" + "".join(self.log[-30:]))

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would; nothing happens when it does not run."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it with SIGTERM and wait until it is gone."""
        self._end(signal.SIGTERM)

    def memory(self) -> int:
        """Resident bytes of the process."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def dump(self, document: str) -> bytes:
        """The document as one update, read from the folder without a server.

        Raises RuntimeError with the output when the command fails.
        """
        run = subprocess.run(
            (*_COMMAND, "dump", document, "--data", str(self.data)),
            capture_output=True,
            env=self._environment,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(f"dump of {document!r} ended with {run.returncode}:\n{run.stderr.decode()}")
        return run.stdout

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.status = process.returncode
        if self._reader is not None:
            self._reader.join(5)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with contextlib.closing(process.stdout):
            for line in process.stdout:
                self.log.append(line)
                if found := _READY.search(line):
                    self._port = int(found[1].rstrip("/").rpartition(":")[2])
                    self._running = True
                    self._ready.set()
        self._ready.set()
