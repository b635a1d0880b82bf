"""Runs: each on a server of its own, the servers in turn, so that a noisy minute meets all of them alike."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import uvloop
from websockets.exceptions import WebSocketException

from benchmarks.bench.machine import cores, on_core
from benchmarks.bench.measure import GeneratorBusyError, NotConvergedError, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.peers import PeerError
from benchmarks.bench.scenarios import Scenario
from benchmarks.bench.servers import Contender
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target
from benchmarks.bench.wire import WireError

FAILURES = (
    *(GeneratorBusyError, NotConvergedError, PeerError, WireError),
    *(WebSocketException, RuntimeError, TimeoutError, OSError),
)
"""What makes a run a failure."""


@dataclass(frozen=True)
class Run:
    """One run of one scenario on one server.

    Attributes:
        repeat: counted from 1.
        outcome: None for a failure.
        failure: why, "" if there is an outcome.
    """

    scenario: str
    server: str
    repeat: int
    outcome: Outcome | None
    failure: str = ""


def generate(scenario: Scenario, target: Target, sizes: Sizes) -> Outcome:
    """Run a scenario on the generator's core, without pauses for garbage. Raises one of FAILURES."""
    gc.collect()
    gc.disable()
    try:
        with on_core(cores()[1]), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(scenario(target, sizes))
    finally:
        gc.enable()


def interleave(
    scenarios: Mapping[str, Scenario],
    contenders: Mapping[str, Contender],
    sizes: Sizes,
    repeats: int,
    begin: Callable[[str], object] = lambda _: None,
) -> Iterator[Run]:
    """Every scenario on every server, `repeats` times in turn (A B C A B C), each on a fresh server.

    `begin` is told what comes. A server that lacks what a scenario is about is passed over.
    """
    for name, scenario in scenarios.items():
        left: Sequence[str] = list(contenders)
        for repeat in range(1, repeats + 1):
            for server in list(left):
                begin(f"{name}, {server}, run {repeat}")
                try:
                    with contenders[server]() as target:
                        yield Run(name, server, repeat, generate(scenario, target, sizes))
                except UnsupportedError:
                    left = [other for other in left if other != server]
                except FAILURES as error:
                    yield Run(name, server, repeat, None, f"{type(error).__name__}: {error}")
