"""The kinds of faults of a cluster, and what each is tried on."""

from dataclasses import dataclass
from typing import Literal

from tests.faults.system import Clients, Pace, Plan
from tests.servers.valkey import Sync

Action = Literal[
    "kill node",
    "kill redis",
    "flush redis",
    "lose redis",
    "stop node",
    "kill s3",
    "refuse s3",
    "restart all",
    "part node",
]

_BOTH: tuple[Clients, ...] = ("resume", "cut off")
_PACES: tuple[Pace, Pace] = ("steady", "bursts")
_RATE = 12.5  # edits per second of each writer: 250 of all
_RESUME: tuple[Clients, ...] = ("resume",)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    Attributes:
        action: what is done.
        hold: seconds that it lasts.
        clients: what happens to the old clients, in turn from run to run.
        sync: of Valkey's append-only file.
        seaweed: whether the objects lie in SeaweedFS, which survives a crash; moto is quicker to start.
        postgres: whether the catalogue lies in PostgreSQL.
        quick: whether one run takes well under half a minute.
    """

    action: Action
    hold: float = 0.0
    clients: tuple[Clients, ...] = _BOTH
    sync: Sync = "everysec"
    seaweed: bool = False
    postgres: bool = False
    quick: bool = False

    def plan(self, name: str, seed: int) -> Plan:
        """A run of this kind, which is called `name`."""
        clients = self.clients[seed % len(self.clients)]
        return Plan(seed, name, clients, _PACES[seed // len(self.clients) % 2], self.hold, _RATE)


KINDS: dict[str, Kind] = {
    "kill node": Kind("kill node", hold=0.5, quick=True),
    "kill redis, everysec": Kind("kill redis", hold=1.0, quick=True),
    "kill redis, always": Kind("kill redis", hold=1.0, sync="always", quick=True),
    # Without traffic the nodes notice it by their look every three seconds.
    "flush redis": Kind("flush redis", hold=5.0, quick=True),
    "lose redis": Kind("lose redis", hold=1.0, quick=True),
    "stop node": Kind("stop node", hold=10.0, clients=_RESUME),
    "part node from redis": Kind("part node", hold=8.0),
    "kill s3": Kind("kill s3", hold=5.0, clients=_RESUME, seaweed=True),
    "s3 answers 503": Kind("refuse s3", hold=8.0, clients=_RESUME),
    "rolling restart": Kind("restart all", clients=_RESUME, postgres=True),
}
"""By name."""
