"""What is measured. Each scenario is a coroutine from a server and sizes to an outcome."""

from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.bench.outcome import Outcome
from benchmarks.bench.scenarios import arriving, flat_out, paced, resting
from benchmarks.bench.sizes import Sizes
from benchmarks.bench.target import Target

Scenario = Callable[[Target, Sizes], Coroutine[Any, Any, Outcome]]

SCENARIOS: dict[str, Scenario] = {
    "classroom": paced.classroom,
    "fanout": paced.fanout,
    "many-docs": paced.many_docs,
    "ack": paced.ack,
    "join": arriving.join,
    "cold": arriving.cold,
    "storm": arriving.storm,
    "idle": resting.idle,
}
"""By name."""

FLAT_OUT: dict[str, Scenario] = {
    "classroom": flat_out.largest_classroom,
    "fanout": flat_out.fanout,
    "many-docs": flat_out.most_edits,
}
"""What `--max` makes of a scenario."""
