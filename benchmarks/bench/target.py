"""The server that a run is made against."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench.crowd import Crowd
from benchmarks.bench.dialects import Dialect


@dataclass(frozen=True)
class Target:
    """A server that is ready.

    Attributes:
        name: in tables.
        urls: `ws://host:port/path`, without a room's name, of each node; clients take them in turn.
        pids: of its processes, whose processor time and memory are read; () where it runs elsewhere.
        restart: ends it and starts it again with the same documents, if it keeps any.
        echo_presence: whether clients send others' presence back, as y-websocket 3 does.
    """

    name: str
    urls: tuple[str, ...]
    dialect: Dialect
    pids: tuple[int, ...] = ()
    restart: Callable[[], None] | None = None
    echo_presence: bool = False

    def crowd(self) -> Crowd:
        """No clients yet."""
        return Crowd(self.urls, self.dialect, echo_presence=self.echo_presence)
