"""Which facts still exist somewhere, so that only what a fault destroyed everywhere may be missing.

A fault of storage puts facts at risk. From then on each copy counts: in storage, in the rooms of nodes that
live, in clients that live. When the last one goes, the fact is excused; as long as one lives, the cluster
has to bring it back.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pycrdt import Doc

from benchmarks.simulator.client import Client
from benchmarks.simulator.ledger import Fact, Ledger
from benchmarks.simulator.log_server import LogServer
from benchmarks.simulator.node import Node
from benchmarks.simulator.world import World
from collab.room import Room
from storage.format import decode_entry, decode_snapshot
from storage.keys import parse_snapshot, snapshot_prefix
from storage.memory_objects import MemoryObjects
from storage.values import ZERO

_GRACE = 10.0
"""Seconds after which a node that could reach the log has put back what was lost; until then a room that it
closes takes what it knew along."""


class Survival:
    """Counts copies.

    Attributes:
        clients, nodes: all there are, kept by whoever made this.
    """

    def __init__(
        self, world: World, ledger: Ledger, server: LogServer, store: MemoryObjects, documents: list[str]
    ) -> None:
        self.clients: list[Client] = []
        self.nodes: list[Node] = []
        self._world = world
        self._ledger = ledger
        self._server = server
        self._store = store
        self._documents = documents
        self._at_risk: dict[str, dict[Fact, None]] = {document: {} for document in documents}
        self._disturbed = -1e9  # world time at which storage last lost something or was out of reach

    def disturb(self) -> None:
        """Storage cannot be relied on at this moment."""
        self._disturbed = self._world.now

    def lose(self, destroy: Callable[[], object]) -> None:
        """Let a fault destroy something in storage."""
        before = {document: self._stored(document) for document in self._documents}
        destroy()
        self.disturb()
        for document in self._documents:
            after = self._stored(document)
            lost = {fact: None for fact in before[document] if fact not in after}
            self._at_risk[document] |= lost
            if lost:
                self._world.note("at risk", f"{document}: {len(lost)}")
        self.count()

    def count(self) -> None:
        """Some copy has gone: excuse what has none left."""
        for document, risky in self._at_risk.items():
            if not risky:
                continue
            stored = self._stored(document)
            living = self._living(document)
            for fact in list(risky):
                if fact in stored:
                    del risky[fact]
                elif fact not in living:
                    del risky[fact]
                    self._ledger.excused[fact] = None
                    self._world.note("excused", f"{fact.token} {fact.present}")

    def closing(self, node: Node, room: Room) -> None:
        """A node closes a room of its own accord; what only it knew it had to put back, given time."""
        risky = self._at_risk[room.id]
        recently = max(self._disturbed, node.log.away_until, node.paused_until)
        if not risky:
            return
        if self._world.now - recently < _GRACE or not node.log.is_reachable:
            self._world.at(0.0, self.count)
            return
        for fact in self._known(room):
            risky.pop(fact, None)

    def _stored(self, document: str) -> dict[Fact, None]:
        doc: Doc[Any] = Doc()
        for name in sorted(self._store.stored):
            if name.startswith(snapshot_prefix(document)):
                parse_snapshot(name)
                for chunk in decode_snapshot(self._store.stored[name]).chunks:
                    doc.apply_update(chunk)
        for _, data in self._server.read(document, ZERO):
            for part in decode_entry(data).parts:
                doc.apply_update(part.update)
        return self._ledger.facts(document, doc)

    def _living(self, document: str) -> dict[Fact, None]:
        found: dict[Fact, None] = {}
        for client in self.clients:
            if client.document == document and not client.is_gone:
                found |= self._ledger.facts(document, client.doc)
        for room in self._rooms(document):
            found |= self._known(room)
        return found

    def _rooms(self, document: str) -> Iterable[Room]:
        for node in self.nodes:
            room = node.hub.rooms.get(document) if node.hub is not None else None
            if room is not None:
                yield room

    def _known(self, room: Room) -> dict[Fact, None]:
        doc: Doc[Any] = Doc()
        doc.apply_update(room.document._doc.get_update())
        return self._ledger.facts(room.id, doc)
