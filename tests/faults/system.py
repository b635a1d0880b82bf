"""What a run puts under load and hurts, and how the run goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tests.faults.checker import Contents

Clients = Literal["cut off", "resume"]
"""Whether all old clients are cut off at the fault, or live on and resume by themselves."""

Pace = Literal["steady", "bursts"]
"""Whether writers type independently, or all at once with pauses between; a fault then falls into a burst."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `fault` is one of the system's kinds; the same seed means the same choices.

    `hold`: seconds that the fault lasts at least; `rate`: edits per second of each writer.
    """

    seed: int
    fault: str
    clients: Clients
    pace: Pace
    hold: float = 0.0
    rate: float = 20.0


class System(Protocol):
    """Servers and what they store in: one process, or a cluster.

    The methods block and run in threads. A system starts once; between `fault` and `heal`, and after
    `stop`, its data can be looked at.

    Attributes:
        faults: the kinds that it knows.
    """

    faults: Sequence[str]

    @property
    def urls(self) -> list[str]:
        """Addresses for clients, before the room's name; each leads to the same documents."""

    def start(self) -> None:
        """Start everything and wait until it is ready. Raises RuntimeError."""

    def fault(self, kind: str) -> float:
        """Strike; the time (monotonic) immediately before. Raises KeyError for an unknown kind."""

    def heal(self) -> None:
        """Undo the fault: all servers are ready on return. Raises RuntimeError."""

    def growth(self) -> dict[str, int]:
        """Bytes of memory by which each server that runs has grown since it was last started."""

    def stop(self) -> None:
        """Stop every server with SIGTERM and wait; what stores the data may go on."""

    def kill(self) -> None:
        """End everything for good, in whatever state it is. Idempotent."""

    def remains(self, documents: Sequence[str]) -> Contents:
        """What the struck system has stored, without changing it; no documents where it cannot be read."""

    def dump(self, documents: Sequence[str]) -> Contents:
        """What is stored once the servers are stopped, read without them."""
