"""One run: a seed, its faults, and what is found when all is well again."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc

from benchmarks.simulator.client import Client
from benchmarks.simulator.cluster import DOCUMENTS, Cluster
from benchmarks.simulator.faults import Faults
from benchmarks.simulator.ledger import View, view
from benchmarks.simulator.node_log import NodeLog
from benchmarks.simulator.seams import seams
from benchmarks.simulator.world import Endless, World
from collab.errors import Poisoned
from storage.errors import StorageError
from storage.loader import load

_LENGTH = (20.0, 60.0)  # seconds of faults
_PATIENCE = 60.0  # seconds that everything may take to be well again
_CALM = 10.0  # seconds after which nodes have put back what was lost, without clients
_SMALL = 40  # bytes: so even small documents take the way of big ones
_OUTBOX_SLACK = 8192  # bytes of one frame, and the answers that are never dropped


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one seed."""

    seed: int
    failures: list[str]
    counts: Counter[str]
    digest: str


def simulate(seed: int, show: Callable[[str], None] | None = None) -> Result:
    """Run one seed; `show` is told every line of its trace."""
    world = World(seed, show)
    with seams(world, _SMALL if world.chance(0.2) else None):
        try:
            _Run(Cluster(world)).play()
        except Endless as error:
            world.fail(str(error))
        finally:
            world.close()
    return Result(seed, world.failures, world.counts, world.digest)


class _Run:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._world = cluster.world

    def play(self) -> None:
        world, cluster = self._world, self._cluster
        length = world.random.uniform(*_LENGTH)
        Faults(cluster).plan(length)
        while world.now < length:
            world.run(world.now + 1.0)
            self._check_bounds()
        cluster.heal()
        world.note("healed")
        if world.chance(0.5):
            self._settle()
        else:
            self._send_all_away()
        self._judge()
        world.counts["acknowledged"] = world.counts["saved"]

    # Waiting

    def _settle(self) -> None:
        """Wait until everybody shows the same; that has to happen by itself."""
        end = self._world.now + _PATIENCE
        while list(self._unlevel()) and self._world.now < end:
            self._world.run(self._world.now + 0.5)
        for complaint in self._unlevel():
            self._world.fail(complaint)

    def _send_all_away(self) -> None:
        """All tabs are closed, so that no client can give back what the server lost."""
        self._world.run(self._world.now + self._world.random.uniform(0, 1))
        for client in self._cluster.living:
            client.leave(politely=True)
        self._cluster.survival.count()
        self._world.note("all tabs closed")
        self._world.run(self._world.now + _CALM)

    def _unlevel(self) -> Iterator[str]:
        """What is not yet as it has to be."""
        yield from self._busy()
        living = self._cluster.living
        for client in living:
            if not client.is_level:
                yield f"{client.name} is not level: synced {client.synced}, unsaved {list(client.unsaved)}"
        for document in DOCUMENTS:
            here = [client for client in living if client.document == document]
            if len({client.view for client in here}) > 1:
                yield f"clients differ on {document}: {[(each.name, each.view) for each in here]}"
            if self._cluster.clocks_agree:
                yield from self._ghosts(here)

    def _ghosts(self, here: list[Client]) -> Iterator[str]:
        for client in here:
            places = {other.client: other.awareness.place for other in here if other is not client}
            if client.awareness.others != places:
                yield f"{client.name} sees {client.awareness.others} where {places} are"

    def _busy(self) -> Iterator[str]:
        for node in self._cluster.nodes:
            if not node.is_serving or node.hub is None:
                yield f"{node.name} does not serve"
                continue
            for room in node.hub.rooms.values():
                if not room.is_settled or room.recorder.is_away:
                    yield f"{node.name} has not recorded all of {room.id}"

    def _check_bounds(self) -> None:
        limit = self._cluster.settings.outbox_bytes + _OUTBOX_SLACK
        for node in self._cluster.nodes:
            for room in node.hub.rooms.values() if node.hub is not None else ():
                for member in room.members:
                    size = getattr(member, "_outbox")._size  # noqa: B009 - the bound is what is checked
                    if size > limit:
                        self._world.fail(f"{size} bytes wait for one member of {room.id}")

    # The verdict

    def _judge(self) -> None:
        """Whatever shows a document shows the same, and all that was promised."""
        shown = self._ask_all() + self._reload()
        for source, document, seen in shown:
            for complaint in self._cluster.ledger.judge(document, seen, source):
                self._world.fail(complaint)
        for document in DOCUMENTS:
            views = {seen: source for source, of, seen in shown if of == document}
            if len(views) > 1:
                self._world.fail(f"{document} is not one: {views}")

    def _ask_all(self) -> list[tuple[str, str, View]]:
        """What every client that lives shows, and a fresh one of each node and document."""
        cluster, world = self._cluster, self._world
        asked = [(client.name, client) for client in cluster.living]
        for node in cluster.nodes:
            for document in DOCUMENTS:
                client = cluster.client(document, [node], ours=True)
                client.connect()
                asked.append((f"a fresh client of {node.name}", client))
        end = world.now + _PATIENCE
        while world.now < end:
            world.run(world.now + 0.2)
            views = {(client.document, client.view) for _, client in asked}
            if len(views) == len(DOCUMENTS) and all(client.is_level for _, client in asked):
                break
        for source, client in asked:
            if not client.is_level:
                world.fail(f"{source} does not get {client.document}")
        return [(source, client.document, client.view) for source, client in asked]

    def _reload(self) -> list[tuple[str, str, View]]:
        """Every document from storage alone."""
        world, cluster = self._world, self._cluster
        log = NodeLog(world, cluster.weather, cluster.server, world.outside, "checker")
        found = []
        for document in DOCUMENTS:
            try:
                loaded = world.wait(load(document, log, cluster.common.store), _PATIENCE)
                doc: Doc[Any] = Doc()
                for update in loaded.updates:
                    doc.apply_update(update)
                found.append(("a reload", document, view(doc)))
            except (StorageError, Poisoned, TimeoutError) as error:
                world.fail(f"{document} cannot be loaded: {error!r}")
        return found
