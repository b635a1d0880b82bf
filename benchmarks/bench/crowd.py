"""All clients of a run: brings them together, waits until everybody has everything, and checks that."""

import asyncio
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.bench import writing
from benchmarks.bench.client import Client, Replica, Way
from benchmarks.bench.dialects import Dialect
from benchmarks.bench.ledger import Arrivals, Ledger
from benchmarks.bench.measure import NotConvergedError
from benchmarks.bench.writing import Writer

_REPLICAS = 3  # clients of a room that hold the whole document, beside the one that made it
_WATCHED = 10  # rooms with replicas; in all rooms marks are counted, and a late joiner's text is compared
_QUIET = 0.3  # seconds without a frame after which it is worth looking whether everybody has everything
_PATIENCE = 60.0  # seconds after which a run has not converged
_AT_ONCE = 32  # sockets opened at a time
_CONNECT = 60.0  # seconds that opening a group of sockets may take


@dataclass
class Room:
    """One document.

    Attributes:
        clients: all of them, the first one made the document.
        newcomers: who came later and takes no part in the checks.
    """

    name: str
    seed: bytes
    clients: list[Client] = field(default_factory=list)
    newcomers: list[Client] = field(default_factory=list)

    @property
    def writers(self) -> list[Client]:
        """Those who may type."""
        return [client for client in self.clients if client.writer is not None]


class Crowd:
    """The clients of one run.

    Attributes:
        dialect: what they speak.
        ledger: what they sent and got.
    """

    def __init__(self, urls: tuple[str, ...], dialect: Dialect, *, echo_presence: bool = False) -> None:
        self.dialect = dialect
        self.ledger = Ledger()
        self.rooms: list[Room] = []
        self._ways = [Way(url, dialect, echo_presence) for url in urls]
        self._run = secrets.token_hex(4)  # names of a server that runs already may be taken

    @property
    def clients(self) -> list[Client]:
        """All of them."""
        return [client for room in self.rooms for client in room.clients]

    async def open_room(
        self, size: int, writers: int, seed: bytes | None = None, *, visible: bool = False
    ) -> Room:
        """A new document with `size` clients, the first `writers` of them able to type.

        `seed`: the document at first, one line per writer if left out; `visible`: all show presence from the
        start, so all are writers. Raises OSError, WireError or TimeoutError.
        """
        room = Room(f"bench-{self._run}-{len(self.rooms)}", seed or writing.seed(writers))
        self.rooms.append(room)
        room.clients = [
            self._client(room, index, Writer(index) if index < writers else None) for index in range(size)
        ]
        for client in room.clients:
            client.visible = visible
        first = room.clients[0]
        first.seed = room.seed
        if len(self.rooms) <= _WATCHED:
            self._add_replicas(room)
        await self.connect([first])
        if self.dialect.syncs:
            await first.resync()
        await self.connect(room.clients[1:])
        return room

    async def connect(self, clients: list[Client]) -> None:
        """Open the sockets of clients, a few at a time. Raises OSError, WireError or TimeoutError."""
        for start in range(0, len(clients), _AT_ONCE):
            async with asyncio.timeout(_CONNECT):
                group = clients[start : start + _AT_ONCE]
                await asyncio.gather(*(client.connect() for client in group))

    def newcomer(self, room: Room) -> Client:
        """A client that has never seen the room, not connected yet."""
        client = self._client(room, len(room.newcomers), None)
        room.newcomers.append(client)
        return client

    def receivers(self, clients: Iterable[Client] | None = None) -> list[tuple[Arrivals, set[int]]]:
        """What the ledger's figures are made from; of all clients if left out."""
        return [(client.arrivals, client.own) for client in (self.clients if clients is None else clients)]

    async def quiet(self) -> None:
        """Wait until nothing comes any more, for a bounded time."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            await asyncio.sleep(_QUIET / 3)
            if time.monotonic() - self.ledger.last_arrival >= _QUIET:
                return

    async def settle(self) -> None:
        """Wait until every client has every edit of its room. Raises NotConvergedError."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            await self.quiet()
            problem = self._missing()
            if problem is None:
                return
            if time.monotonic() > deadline:
                raise NotConvergedError(problem)

    async def check(self) -> None:
        """Compare replicas, a late joiner and what was typed; look for carets. Raises NotConvergedError."""
        await self.settle()
        for room in self.rooms:
            expected = _expected(room)
            replicas = [client.replica for client in room.clients]
            if self.dialect.syncs:
                replicas.append(await self._join(room))
            if any(replica is not None and replica.text != expected for replica in replicas):
                raise NotConvergedError(f"{room.name}: a replica or the late joiner has another text")
            await _carets_shown(room)

    def close(self) -> None:
        """Cut all sockets."""
        for room in self.rooms:
            for client in (*room.clients, *room.newcomers):
                client.cut()

    async def _join(self, room: Room) -> Replica:
        joiner = self._client(room, len(room.newcomers), None)
        joiner.replica = Replica()
        await self.connect([joiner])
        joiner.cut()
        return joiner.replica

    def _add_replicas(self, room: Room) -> None:
        first, *others = room.clients
        for client in (first, *others[:: max(1, len(others) // _REPLICAS)]):
            client.replica = Replica()
            if client is first or not self.dialect.syncs:
                client.replica.doc.apply_update(room.seed)

    def _client(self, room: Room, index: int, writer: Writer | None) -> Client:
        return Client(room.name, self.ledger, self._ways[index % len(self._ways)], writer)

    def _missing(self) -> str | None:
        for room in self.rooms:
            typed = set().union(*(client.own for client in room.clients))
            for index, client in enumerate(room.clients):
                if client.lost is not None:
                    return f"{room.name}: client {index} lost its socket: {client.lost}"
                lacking = typed - client.own - self.ledger.seen(client.arrivals)
                if lacking:
                    return f"{room.name}: client {index} lacks {len(lacking)} of {len(typed)} edits"
        return None


def _expected(room: Room) -> str:
    replica = Replica()
    replica.doc.apply_update(room.seed)
    for client in room.writers:
        assert client.writer is not None
        replica.doc.apply_update(client.writer.since(0))
    return replica.text


async def _carets_shown(room: Room) -> None:
    """Wait until those with a replica see everybody's caret where it is. Raises NotConvergedError."""
    deadline = time.monotonic() + _PATIENCE
    while hidden := _hidden_carets(room):
        if time.monotonic() > deadline:
            raise NotConvergedError(f"{room.name}: {hidden} carets are not where they should be")
        await asyncio.sleep(_QUIET)


def _hidden_carets(room: Room) -> int:
    shown = [(client, client.writer.client) for client in room.writers if client.writer and client.shown]
    return sum(
        not viewer.replica.sees(id, writer.shown)
        for viewer in room.clients
        if viewer.replica is not None
        for writer, id in shown
        if writer is not viewer
    )
