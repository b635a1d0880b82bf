"""The faults of one run: what goes wrong, when, and for how long."""

from collections.abc import Callable
from functools import partial

from benchmarks.simulator.client import Client
from benchmarks.simulator.cluster import DOCUMENTS, Cluster
from benchmarks.simulator.node import Node
from storage.keys import snapshot_prefix

_LOSSES = 2  # times that the log loses entries, at most
_LOSING_LOG = ("kill and lose tail", "log emptied", "log flushed", "log loses tail")
_ROBBERY = "object lost"
_HOUR = 3600.0
_SECONDS = 3.0  # by which the clocks of nodes may differ while presence still has to be right


class Faults:
    """Draws faults for a cluster and lets them happen."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._world = cluster.world
        self._losses = 0
        self._robbed: set[str] = set()  # documents of which an object was lost
        self._kinds: dict[str, Callable[[], None]] = {
            "kill node": self._kill,
            "kill in outage": partial(self._kill_in_outage, "nothing"),
            "kill and lose tail": partial(self._kill_in_outage, "tail"),
            "pause node": self._pause,
            "drain node": self._drain,
            "clock jump": self._jump,
            "log restart": partial(self._restart, "nothing"),
            "log loses tail": partial(self._restart, "tail"),
            "log emptied": partial(self._restart, "all"),
            "log flushed": self._flush,
            "log freeze": self._freeze,
            "partition": self._partition,
            "partition of all": self._partition_all,
            "answers lost": partial(self._spell, answers_lost=0.2, unconfirmed=0.3),
            "announcements lost": partial(self._spell, lost=0.5),
            "announcements late": partial(self._spell, late=0.3, twice=0.3),
            "objects refused": partial(self._spell, refused=0.6),
            "objects slow": partial(self._spell, slowness=3.0),
            "objects flipped": partial(self._spell, flipped=0.3),
            _ROBBERY: self._rob,
            "socket reset": self._reset,
            "socket silent": self._silence,
            "reader stalls": self._stall,
            "tab closed": self._close_tab,
        }

    def plan(self, seconds: float) -> None:
        """Draw some kinds, and times within `seconds` at which they happen."""
        random = self._world.random
        kinds = random.sample(sorted(self._kinds), random.randint(2, 7))
        if self._world.chance(0.5):  # what the log and the object store both lost nobody can bring back
            kinds = [kind for kind in kinds if kind not in _LOSING_LOG] or [_ROBBERY]
        else:
            kinds = [kind for kind in kinds if kind != _ROBBERY]
        for _ in range(random.randint(3, 14)):
            self._world.at(random.uniform(1, seconds), self._happen, random.choice(kinds))

    def _happen(self, kind: str) -> None:
        if self._cluster.is_typing:
            self._world.note(f"* {kind}")
            self._kinds[kind]()

    def _during(self, longest: float, end: Callable[[], object]) -> None:
        """Let `end` happen some time later, at most `longest` seconds."""
        self._world.at(self._world.random.uniform(0.1, longest), end)

    # Nodes

    def _node(self) -> Node:
        return self._world.random.choice(self._cluster.nodes)

    def _kill(self) -> None:
        self._kill_one(self._node())

    def _kill_one(self, node: Node) -> None:
        if not node.loop.is_dead and self._cluster.is_typing:
            self._cluster.crash(node, self._world.random.uniform(0.1, 6))

    def _pause(self) -> None:
        node = self._node()
        node.pause()
        self._during(9, node.resume)  # a client that says nothing for 10 is refused for good

    def _drain(self) -> None:
        node = self._node()
        node.drain(partial(self._cluster.start, node))

    def _jump(self) -> None:
        if self._world.chance(0.5):
            self._node().jump(self._world.random.uniform(-_SECONDS, _SECONDS))
        else:
            self._cluster.clocks_agree = False
            self._node().jump(self._world.random.uniform(-_HOUR, _HOUR))

    # The log

    def _restart(self, loses: str) -> None:
        server, survival, random = self._cluster.server, self._cluster.survival, self._world.random
        if loses != "nothing":
            self._losses += 1
            if self._losses > _LOSSES:
                return
            seconds = random.uniform(0.01, 2.0) if loses == "tail" else None
            survival.lose(partial(server.lose, seconds))
        server.crash()
        self._during(4, self._start_log)

    def _start_log(self) -> None:
        self._cluster.survival.disturb()
        self._cluster.server.start()

    def _flush(self) -> None:
        self._losses += 1
        if self._losses <= _LOSSES:
            self._cluster.survival.lose(partial(self._cluster.server.lose, None))

    def _freeze(self) -> None:
        self._cluster.server.freeze()
        self._during(5, self._thaw)

    def _thaw(self) -> None:
        self._cluster.survival.disturb()
        if self._cluster.server.is_frozen:
            self._cluster.server.thaw()

    def _kill_in_outage(self, loses: str) -> None:
        """The log is away, people type, close their tabs once told that all is saved, and nodes die."""
        random, world = self._world.random, self._world
        self._restart(loses)
        for client in self._cluster.living:
            if world.chance(0.6):
                client.on_saved = partial(self._close, client)
            world.at(random.uniform(0.05, 0.5), client.edit)
        for node in self._cluster.nodes:
            if world.chance(0.7):
                world.at(random.uniform(0.4, 2.0), self._kill_one, node)

    def _partition(self) -> None:
        log = self._node().log
        log.is_cut = True
        self._during(8, log.mend)

    def _partition_all(self) -> None:
        for log in [node.log for node in self._cluster.nodes]:
            log.is_cut = True
            self._during(5, log.mend)

    # Weather

    def _spell(self, **worse: float) -> None:
        weather = self._cluster.weather
        good = {name: getattr(type(weather)(), name) for name in worse}
        vars(weather).update(worse)
        self._during(10, partial(self._clear, good))

    def _clear(self, good: dict[str, float]) -> None:
        self._cluster.survival.disturb()
        vars(self._cluster.weather).update(good)

    # Objects

    def _rob(self) -> None:
        """The newest snapshot of one document is gone; the promise is that any one may be."""
        stored = self._cluster.common.store.stored
        document = self._world.random.choice(DOCUMENTS)
        names = sorted(name for name in stored if name.startswith(snapshot_prefix(document)))
        if names and document not in self._robbed:
            self._robbed.add(document)
            self._cluster.survival.lose(partial(stored.pop, names[-1]))

    # Clients

    def _reset(self) -> None:
        for client in self._cluster.living:
            if client.socket is not None and self._world.chance(0.4):
                client.socket.reset()

    def _silence(self) -> None:
        random = self._world.random
        client = random.choice(self._cluster.living)
        if client.socket is not None:
            client.socket.vanish(random.uniform(0.5, 30), random.uniform(0.5, 30))

    def _stall(self) -> None:
        client = self._world.random.choice(self._cluster.living)
        client.stall()
        self._during(15, client.wake)

    def _close_tab(self) -> None:
        self._close(self._world.random.choice(self._cluster.living))

    def _close(self, client: Client) -> None:
        if client.is_gone or not self._cluster.is_typing:
            return
        client.leave(politely=self._world.chance(0.5))
        self._world.note("tab closed", client.name)
        self._cluster.survival.count()
        self._cluster.come(client.document)
