"""What a node stores in and talks over."""

from dataclasses import dataclass, field

from storage.base import Bus, Lease, ObjectStore, UpdateLog
from storage.local_bus import LocalBus
from storage.local_lease import LocalLease


@dataclass(frozen=True)
class Backends:
    """The backends of one node. Bus and lease default to those of a server on its own."""

    log: UpdateLog
    objects: ObjectStore
    bus: Bus = field(default_factory=LocalBus)
    lease: Lease = field(default_factory=LocalLease)
