"""One server with its data in one folder, as a system under test."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from benchmarks.server import ServerProcess
from storage.errors import StorageError
from storage.file_objects import FileObjects
from storage.loader import load as storage_load
from storage.sqlite_log import SqliteLog
from tests.faults.checker import Contents
from tests.faults.load import tokens_in


class ModuleProcess(ServerProcess):
    """A server that is started by a module of the tests, which takes the arguments of `studyhub`.

    Attributes:
        command, environment: of the process, to run it in another way.
    """

    def __init__(self, module: str, data: Path, **environment: str) -> None:
        super().__init__(data, **environment)
        self.command = (sys.executable, "-m", module)
        self.environment = {**os.environ, **environment}

    def start(self) -> None:
        """See ServerProcess."""
        with mock.patch("benchmarks.server._COMMAND", self.command):
            super().start()


class OneNode:
    """A System of one process, which a fault ends or stops for a while."""

    faults: Sequence[str] = ("kill -9", "SIGSTOP")

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._stopped = False
        self._memory = 0  # bytes at its start

    @property
    def urls(self) -> list[str]:
        """See System."""
        return [self._server.url]

    def start(self) -> None:
        """See System."""
        self._server.start()
        self._memory = self._server.memory()

    def fault(self, kind: str) -> float:
        """See System."""
        number = {"kill -9": signal.SIGKILL, "SIGSTOP": signal.SIGSTOP}[kind]
        pid = self._server.pid
        at = time.monotonic()
        os.kill(pid, number)
        if number is signal.SIGKILL:
            self._server.kill()  # waits until it is gone
        self._stopped = number is signal.SIGSTOP
        return at

    def heal(self) -> None:
        """See System."""
        if self._stopped:
            os.kill(self._server.pid, signal.SIGCONT)
            self._stopped = False
        else:
            self.start()

    def growth(self) -> dict[str, int]:
        """See System."""
        return {self._server.url: self._server.memory() - self._memory}

    def stop(self) -> None:
        """See System."""
        self._server.stop()

    def kill(self) -> None:
        """See System."""
        self._server.kill()

    def remains(self, documents: Sequence[str]) -> Contents:
        """See System."""
        # Reading repairs what a crash left behind; the server has to do that by itself.
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(self._server.data, copy, dirs_exist_ok=True)
            return asyncio.run(stored(Path(copy), documents))

    def dump(self, documents: Sequence[str]) -> Contents:
        """See System: what `studyhub dump` reads; None where it refuses."""
        with ThreadPoolExecutor() as threads:
            return dict(zip(documents, threads.map(self._dump, documents), strict=True))

    def _dump(self, document: str) -> list[str] | None:
        try:
            return tokens_in(self._server.dump(document))
        except RuntimeError as error:
            if "cannot dump" in str(error):
                return None
            raise


class ReadOnlyNode(OneNode):
    """A node whose disk turns read-only while it runs; needs Linux, and no rights."""

    faults: Sequence[str] = ("read-only",)

    def __init__(self, data: Path, **environment: str) -> None:
        """`data` does not turn with the server's view of it: it can be read and written from here."""
        self._switch = data.with_name(data.name + ".read-only")
        switch = {"STUDYHUB_READ_ONLY_SWITCH": str(self._switch)}
        self.server = ModuleProcess("tests.faults.read_only_server", data, **switch, **environment)
        super().__init__(self.server)

    def fault(self, kind: str) -> float:
        """See System."""
        if kind not in self.faults:
            raise KeyError(kind)
        at = time.monotonic()
        self._switch.touch()
        return at

    def heal(self) -> None:
        """See System."""
        self._switch.unlink()

    def remains(self, documents: Sequence[str]) -> Contents:
        """See System. Nothing: what is shown while the log is away is in the server's memory alone."""
        return {}


async def stored(folder: Path, documents: Sequence[str]) -> Contents:
    """What storage loads from that folder: as `OneNode.dump`, in this process and so quicker."""
    log = SqliteLog(folder / "log.db")
    contents: Contents = {}
    try:
        for document in documents:
            try:
                loaded = await storage_load(document, log, FileObjects(folder / "objects"))
                contents[document] = tokens_in(*loaded.updates)
            except StorageError:
                contents[document] = None
    finally:
        await log.close()
    return contents
