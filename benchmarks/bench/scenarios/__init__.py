"""What is measured. Each scenario is a coroutine from a server and sizes to an outcome."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from benchmarks.bench.measure import UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.scenarios import arriving, flat_out, lasting, paced, resting
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target

Scenario = Callable[[Target, Sizes], Coroutine[Any, Any, Outcome]]

SCENARIOS: dict[str, Scenario] = {
    "classroom": paced.classroom,
    "large-classroom": paced.large_classroom,
    "fanout": paced.fanout,
    "many-docs": paced.many_docs,
    "ack": paced.ack,
    "join": arriving.join,
    "cold": arriving.cold,
    "storm": arriving.storm,
    "idle": resting.idle,
    "idle-documents": resting.idle_documents,
    "replay": lasting.replay,
    "nodes": paced.nodes,
    "soak": lasting.soak,
}
"""By name."""

FLAT_OUT: dict[str, Scenario] = {
    "classroom": flat_out.largest_classroom,
    "fanout": flat_out.fanout,
    "many-docs": flat_out.most_edits,
}
"""What `--max` makes of a scenario."""

APART = ("replay", "nodes", "soak")
"""Those that need something of their own, or time: not part of a series of all."""


def echoing(scenario: Scenario) -> Scenario:
    """A scenario whose clients send others' presence back, as y-websocket 3 does."""

    async def echoed(target: Target, sizes: Sizes) -> Outcome:
        if not target.dialect.syncs:
            raise UnsupportedError(f"{target.name} would relay the echoes for ever")
        return await scenario(replace(target, echo_presence=True), sizes)

    return echoed


def series(*, echo_presence: bool = False) -> dict[str, Scenario]:
    """All scenarios that belong into a comparison, by the names of their tables."""
    plain = {name: scenario for name, scenario in SCENARIOS.items() if name not in APART}
    if echo_presence:
        return {f"{name}, presence echoed": echoing(scenario) for name, scenario in plain.items()}
    most = {f"{name}, most": scenario for name, scenario in FLAT_OUT.items()}
    return {**plain, "classroom, presence echoed": echoing(paced.classroom), **most}
