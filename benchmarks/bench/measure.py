"""The measured window of a run: what the server spent in it, and whether the generator kept up."""

import time
from dataclasses import dataclass

from benchmarks.bench.machine import cpu_seconds

BUSY = 0.8
"""Part of its core that the generator may use; beyond it, it would measure itself."""


class GeneratorBusyError(Exception):
    """The generator used too much of its core for the run to say anything about the server."""


class NotConvergedError(Exception):
    """Somebody did not get everything: the run counts as a failure."""


class UnsupportedError(Exception):
    """The server lacks what the scenario is about."""


@dataclass(frozen=True)
class Window:
    """A span of time that is measured.

    Attributes:
        since, until: time.monotonic().
        server: processor seconds of the server's processes.
        generator: processor seconds of this process.
    """

    since: float
    until: float
    server: float
    generator: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.until - self.since

    @property
    def generator_load(self) -> float:
        """Part of its core that the generator used."""
        return self.generator / self.seconds

    @property
    def server_load(self) -> float:
        """Part of one core that the server used."""
        return self.server / self.seconds

    def check(self) -> None:
        """Raise GeneratorBusyError if the generator was."""
        if self.generator_load > BUSY:
            raise GeneratorBusyError(
                f"the generator used {self.generator_load:.0%} of its core, more than {BUSY:.0%}"
            )


class Stopwatch:
    """Measures a window from its creation on."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        """`pids`: the server's processes, () for one that is elsewhere."""
        self._pids = pids
        self._since = time.monotonic()
        self._server = sum(map(cpu_seconds, pids))
        self._own = time.process_time()

    def read(self, until: float | None = None) -> Window:
        """The window until now, or until `until` where nothing happened since."""
        own = time.process_time() - self._own
        server = sum(map(cpu_seconds, self._pids)) - self._server
        return Window(self._since, time.monotonic() if until is None else until, server, own)

    def stop(self, until: float | None = None) -> Window:
        """As `read`; raises GeneratorBusyError."""
        window = self.read(until)
        window.check()
        return window
