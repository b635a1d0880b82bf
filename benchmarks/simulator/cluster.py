"""Nodes, clients and storage of one run, and how to put everything right again."""

from benchmarks.simulator.client import Client
from benchmarks.simulator.ledger import Ledger
from benchmarks.simulator.log_server import LogServer
from benchmarks.simulator.node import Common, Node
from benchmarks.simulator.survival import Survival
from benchmarks.simulator.weather import Weather
from benchmarks.simulator.world import World
from collab.room import Room
from collab.settings import Settings, Unrecorded
from storage.values import Level

DOCUMENTS = ["d0", "d1", "d2", "d3", "d4"]
_HOMES = ["d0", "d0", "d0", "d1", "d1", "d2", "d3", "d4"]  # of the clients
_NODES = "abc"
_PAUSE = 8.0  # seconds between two edits of one client, at most
_BURST = 6  # edits in one go, at most


class Cluster:
    """Three nodes, eight clients, five documents.

    Attributes:
        is_typing: whether clients edit, and faults happen.
        clocks_agree: whether the nodes' wall clocks differ by seconds at most; presence rests on that.
    """

    def __init__(self, world: World) -> None:
        random = world.random
        self.world = world
        self.weather = Weather()
        self.settings = _settings(world)
        self.ledger = Ledger()
        self.server = LogServer(world, self.weather, random.choice(list(Level)))
        self.common = Common(world, self.weather, self.server, self.settings)
        self.survival = Survival(world, self.ledger, self.server, self.common.store, DOCUMENTS)
        self.nodes = [Node(self.common, name, self._closing) for name in _NODES]
        self.clients: list[Client] = []
        self.survival.nodes, self.survival.clients = self.nodes, self.clients
        self.is_typing = True
        self.clocks_agree = True
        self._names = 0
        for document in _HOMES:
            self.come(document)

    def _closing(self, node: Node, room: Room) -> None:
        self.survival.closing(node, room)

    # Clients

    def come(self, document: str) -> Client:
        """A new client that types."""
        world = self.world
        client = self.client(document, self.nodes, ours=world.chance(0.75))
        world.at(world.random.uniform(0, 2), client.connect)
        world.at(world.random.uniform(0, _PAUSE), self._type, client)
        return client

    def client(self, document: str, nodes: list[Node], *, ours: bool) -> Client:
        """A new client that does nothing yet."""
        self._names += 1
        believes = self.settings.unrecorded is Unrecorded.HOLD
        name = f"u{self._names}"
        client = Client(self.world, self.ledger, lambda: nodes, name, document, ours=ours, believes=believes)
        self.clients.append(client)
        return client

    def _type(self, client: Client) -> None:
        if not self.is_typing or client.is_gone:
            return
        random = self.world.random
        for _ in range(random.randint(2, _BURST) if self.world.chance(0.1) else 1):
            client.edit()
        if self.world.chance(0.2):
            client.move()
        self.world.at(random.uniform(0.05, _PAUSE), self._type, client)

    @property
    def living(self) -> list[Client]:
        """The clients whose tabs are open."""
        return [client for client in self.clients if not client.is_gone]

    # Nodes

    def crash(self, node: Node, down: float) -> None:
        """Kill a node; it starts again after so long."""
        node.crash()
        self.survival.count()
        self.world.at(down, self.start, node)

    def start(self, node: Node) -> None:
        """Start a node that is down."""
        if node.loop.is_dead:
            node.start()

    # The end

    def heal(self) -> None:
        """Everything works from now on."""
        self.is_typing = False
        vars(self.weather).update(vars(Weather()))
        self.survival.disturb()
        if self.server.is_frozen:
            self.server.thaw()
        self.server.start()
        for node in self.nodes:
            node.log.mend()
            node.resume()
            self.start(node)
        for client in self.living:
            client.wake()


def _settings(world: World) -> Settings:
    random = world.random
    return Settings.model_validate(
        {
            "unrecorded": random.choice(list(Unrecorded)),
            "idle_seconds": random.uniform(3, 30),
            "compact_entries": random.randint(3, 30),
            "compact_seconds": random.uniform(5, 60),
            "outbox_bytes": random.choice((1024, 1 << 20)),
            "drain_seconds": random.uniform(1, 5),
        }
    )
