"""Prometheus metrics of one server process."""

from prometheus_client import Counter, Gauge, Histogram, Info, generate_latest

_SHORT = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)
_SIZES = [float(2**exponent) for exponent in range(6, 23, 2)]

_UNSETTLED = 1000  # values of a tally that are kept


class Tally:
    """Collects values for a histogram: to hand it each one at once costs more than what is measured."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._values: list[float] = []

    def observe(self, value: float) -> None:
        """Note one value."""
        self._values.append(value)
        if len(self._values) > _UNSETTLED:
            self.settle()

    def settle(self) -> None:
        """Hand over what was noted."""
        values, self._values = self._values, []
        for value in values:
            self._histogram.observe(value)


connections = Gauge("studyhub_connections", "Open collaboration sockets")
rooms = Gauge("studyhub_rooms", "Documents live on this node")
updates = Counter("studyhub_updates", "Accepted updates")
deliveries = Counter("studyhub_deliveries", "Updates handed to members")
batches = Counter("studyhub_batches", "Flushes that were appended to the log")
entry_bytes = Tally(Histogram("studyhub_entry_bytes", "Size of log entries", buckets=_SIZES))
flush_seconds = Tally(Histogram("studyhub_flush_seconds", "Event-loop time of one flush", buckets=_SHORT))
append_seconds = Tally(Histogram("studyhub_append_seconds", "From append to recorded", buckets=_SHORT))
append_failures = Counter("studyhub_append_failures", "Appends that the log did not take")
http_requests = Counter(
    "studyhub_http_requests", "Answers over HTTP, by template of the path", ["method", "route", "status"]
)
http_seconds = Histogram("studyhub_http_seconds", "From request to answer", ["route"], buckets=_SHORT)
rejects = Counter("studyhub_rejects", "Messages and connections refused", ["reason"])
parked = Counter("studyhub_parked", "Updates that had to wait for missing ones")
catch_ups = Counter("studyhub_catch_ups", "Slow readers that got one diff in place of a backlog")
poisoned = Counter("studyhub_poisoned", "Document objects dropped because they could not be trusted")
load_seconds = Histogram("studyhub_load_seconds", "From storage to a live document", buckets=_SHORT)
load_failures = Counter("studyhub_load_failures", "Documents that could not be opened", ["reason"])
compactions = Counter("studyhub_compactions", "Snapshots made")
compaction_failures = Counter("studyhub_compaction_failures", "Snapshots that failed")
unsnapshotted_seconds = Gauge(
    "studyhub_unsnapshotted_seconds", "Age of the oldest log entry that no snapshot covers, of open rooms"
)
level = Info("studyhub_level", "What acknowledgements wait for, and this node's name")
relay_gaps = Counter("studyhub_relay_gaps", "Times that a room had to read what other nodes appended")
healed = Counter("studyhub_healed", "Times that a room put back what the log had lost")
unfinished = Counter("studyhub_drain_unfinished", "Rooms with unrecorded edits when the server stopped")


def exposition() -> bytes:
    """All metrics, in the text format of Prometheus."""
    for tally in (entry_bytes, flush_seconds, append_seconds):
        tally.settle()
    return generate_latest()
