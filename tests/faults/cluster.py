"""Nodes over a real Valkey, a real S3 server and one catalogue, as a system under test."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.server import ServerProcess
from collab.backends import Backends, open_backends
from collab.settings import AuthMode, Settings
from storage.errors import StorageError
from storage.loader import load as storage_load
from tests.faults.checker import Contents
from tests.faults.gateway import Gateway
from tests.faults.kinds import KINDS, Action, Kind
from tests.faults.load import tokens_in
from tests.servers import Moto, Postgres, SeaweedFS, Server, Valkey

T = TypeVar("T")

_COMPACT = 100  # entries, so that snapshots are made under the load


class Cluster:
    """A System of several nodes, for one kind of fault.

    The nodes share a data folder, which holds the catalogue; where that is in PostgreSQL, each has its own.

    Attributes:
        nodes: the servers.
        valkey, s3: what they store in.
        settings: of every node, as environment variables.
    """

    faults: Sequence[str] = tuple(KINDS)

    def __init__(self, folder: Path, kind: Kind, *, nodes: int = 3, **settings: str) -> None:
        """`settings` are further ones of every node, as environment variables."""
        self.nodes: list[ServerProcess] = []
        self.valkey = Valkey(folder / "valkey", appendfsync=kind.sync)
        self.s3 = (SeaweedFS if kind.seaweed else Moto)(folder / "s3")
        self.settings = settings
        self._folder = folder
        self._count = nodes
        self._gate = self._new_gate(kind)
        self._postgres = Postgres(folder / "postgres") if kind.postgres else None
        self._stack = ExitStack()  # ends the servers
        self._memory: dict[int, int] = {}  # bytes of each node when it was ready
        self._heal: Callable[[], None] = lambda: None

    @property
    def urls(self) -> list[str]:
        """See System."""
        return [node.url for node in self.nodes]

    def start(self) -> None:
        """See System."""
        servers: list[Server] = [self.valkey, self.s3, *([self._postgres] if self._postgres else [])]
        _at_once(self._stack.enter_context, servers)
        if self._gate is not None:
            self._stack.enter_context(self._gate)
        self.settings |= self._common()
        for number in range(self._count):
            own = {"STUDYHUB_NODE": f"node-{number}"}
            if number == 0 and self._gate is not None and self._gate.folder.name == "redis":
                own["STUDYHUB_REDIS_URL"] = f"redis://127.0.0.1:{self._gate.port}/0"
            self.nodes.append(ServerProcess(self._data(number), **(self.settings | own)))
        _at_once(self.start_node, range(self._count))

    def start_node(self, number: int) -> None:
        """Start that node, which does not run."""
        self.nodes[number].start()
        self._memory[number] = self.nodes[number].memory()

    def fault(self, kind: str) -> float:
        """See System."""
        strike = self._strikes()[KINDS[kind].action]
        at = time.monotonic()
        self._heal = strike()
        return at

    def heal(self) -> None:
        """See System."""
        self._heal()

    def growth(self) -> dict[str, int]:
        """See System."""
        return {node.url: node.memory() - self._memory[number] for number, node in enumerate(self.nodes)}

    def stop(self) -> None:
        """See System."""
        _at_once(ServerProcess.stop, self.nodes)

    def kill(self) -> None:
        """See System."""
        for node in self.nodes:
            node.kill()
        self._stack.close()

    def remains(self, documents: Sequence[str]) -> Contents:
        """See System. Nothing: the other nodes go on writing while it would be read."""
        return {}

    def dump(self, documents: Sequence[str]) -> Contents:
        """See System: what storage loads from Redis and S3, in this process."""
        return asyncio.run(self._dump(documents))

    # Faults: each strikes, and gives back what undoes it

    def _strikes(self) -> dict[Action, Callable[[], Callable[[], None]]]:
        return {
            "kill node": self._kill_node,
            "kill redis": partial(self._kill, self.valkey),
            "flush redis": self._flush,
            "lose redis": self._lose_redis,
            "stop node": self._stop_node,
            "kill s3": partial(self._kill, self.s3),
            "refuse s3": self._refuse,
            "restart all": self._restart_all,
            "part node": self._part,
        }

    def _kill_node(self) -> Callable[[], None]:
        self.nodes[0].kill()
        return partial(self.start_node, 0)

    def _kill(self, server: Server) -> Callable[[], None]:
        server.kill()
        return server.start

    def _flush(self) -> Callable[[], None]:
        self.valkey.call("FLUSHALL")
        return lambda: None

    def _lose_redis(self) -> Callable[[], None]:
        self.valkey.kill()
        shutil.rmtree(self.valkey.folder / "appendonlydir")
        return self.valkey.start

    def _stop_node(self) -> Callable[[], None]:
        pid = self.nodes[0].pid
        os.kill(pid, signal.SIGSTOP)
        return partial(os.kill, pid, signal.SIGCONT)

    def _refuse(self) -> Callable[[], None]:
        assert self._gate is not None, "its kind has one"
        self._gate.refuse()
        return self._gate.allow

    def _part(self) -> Callable[[], None]:
        assert self._gate is not None, "its kind has one"
        self._gate.pause()
        return self._gate.resume

    def _restart_all(self) -> Callable[[], None]:
        os.kill(self.nodes[0].pid, signal.SIGTERM)
        return self._roll

    def _roll(self) -> None:
        for number, node in enumerate(self.nodes):
            node.stop()
            self.start_node(number)

    # The parts

    def _new_gate(self, kind: Kind) -> Gateway | None:
        """Before Redis for the first node alone, before S3 for all."""
        targets = {"part node": ("redis", self.valkey.port), "refuse s3": ("s3", self.s3.port)}
        if kind.action not in targets:
            return None
        name, target = targets[kind.action]
        return Gateway(self._folder / "gateway" / name, target)

    def _data(self, number: int) -> Path:
        return self._folder / "data" / (str(number) if self._postgres else "")

    def _common(self) -> dict[str, str]:
        refusing = self._gate is not None and self._gate.folder.name == "s3"
        common = {
            "STUDYHUB_REDIS_URL": self.valkey.url,
            "STUDYHUB_S3_ENDPOINT": self._gate.url if refusing and self._gate else self.s3.url,
            "STUDYHUB_S3_BUCKET": "studyhub",
            "STUDYHUB_S3_CREATE_BUCKET": "true",
            "STUDYHUB_S3_ACCESS_KEY": self.s3.access_key,
            "STUDYHUB_S3_SECRET_KEY": self.s3.secret_key,
            "STUDYHUB_COMPACT_ENTRIES": str(_COMPACT),
        }
        return common | ({"STUDYHUB_DATABASE_URL": self._postgres.url} if self._postgres else {})

    async def _dump(self, documents: Sequence[str]) -> Contents:
        given = {name.removeprefix("STUDYHUB_").lower(): value for name, value in self.settings.items()}
        settings = Settings(data=self._data(0), auth=AuthMode.NONE, **given)  # type: ignore[arg-type]
        async with open_backends(settings) as backends:
            return {document: await _load(backends, document) for document in documents}


async def _load(backends: Backends, document: str) -> list[str] | None:
    try:
        return tokens_in(*(await storage_load(document, backends.log, backends.objects)).updates)
    except StorageError:
        return None


def _at_once(action: Callable[[T], object], items: Collection[T]) -> None:
    """Do it to all of them in parallel. Raises what one raises."""
    with ThreadPoolExecutor(max(1, len(items))) as threads:
        list(threads.map(action, items))
