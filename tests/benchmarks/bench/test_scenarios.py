"""Every scenario runs against our server, and what loses something never gets a figure."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench import crowd, measure
from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.measure import GeneratorBusyError, NotConvergedError, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.running import generate
from benchmarks.bench.scenarios import FLAT_OUT, SCENARIOS, echoing, flat_out, paced
from benchmarks.bench.scenarios.flat_out import search
from benchmarks.bench.servers import clusters, own_server
from benchmarks.bench.sizes import SMOKE
from benchmarks.bench.target import Target
from tests.benchmarks.bench.proxy import Loses, losing
from tests.servers.valkey import Valkey

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("bench")]

FIGURES = {
    "classroom": {"edit p50 ms", "edit p99 ms", "edits/s", "generator load"},
    "large-classroom": {"edit p50 ms", "edit p99 ms", "edits/s", "generator load"},
    "fanout": {"edit p50 ms", "edit p99 ms", "edits/s"},
    "many-docs": {"edit p50 ms", "edit p99 ms", "edits/s"},
    "ack": {"durable p50 ms", "durable p99 ms", "durable p99.9 ms"},
    "join": {"join p50 ms", "3 at once ms"},
    "storm": {"converged ms"},
    "idle": {"KB per connection, one document"},
    "idle-documents": {"KB per connection, a document each"},
    "replay": {"edits/s"},
    "soak": {"memory MB per hour", "edit p99 ms"},
}


@pytest.mark.parametrize("name", FIGURES)
async def test_a_scenario_converges_and_has_its_figures(name: str, target: Target) -> None:
    outcome = await SCENARIOS[name](target, SMOKE)

    assert FIGURES[name] <= set(outcome.figures)


async def test_the_most_of_a_fanout_counts_deliveries(target: Target) -> None:
    outcome = await FLAT_OUT["fanout"](target, SMOKE)

    assert outcome.figures["deliveries/s"] > outcome.figures["edits/s"]


@pytest.mark.parametrize(
    ("name", "figure"), [("classroom", "people in one room"), ("many-docs", "most edits/s")]
)
async def test_the_most_is_searched_up_to_its_bound(name: str, figure: str, target: Target) -> None:
    outcome = await FLAT_OUT[name](target, SMOKE)

    bound = {"classroom": SMOKE.largest_room, "many-docs": SMOKE.largest_rate}[name]
    assert outcome.figures[figure] == bound
    assert outcome.figures["limited by the search"]


async def test_cold_documents_survive_a_start_and_are_opened_again() -> None:
    with own_server() as fresh:
        outcome = await SCENARIOS["cold"](fresh, SMOKE)

    assert outcome.figures["first join p50 ms"] > 0


async def test_clients_that_echo_presence_converge(target: Target) -> None:
    outcome = await echoing(paced.classroom)(target, SMOKE)

    assert outcome.figures["edit p50 ms"] > 0


async def test_plain_clients_converge(target: Target) -> None:
    plain = replace(target, dialect=DIALECTS["y-websocket"])

    outcome = await paced.classroom(plain, SMOKE)

    assert outcome.figures["edit p50 ms"] > 0


@pytest.mark.parametrize("name", ["idle", "idle-documents", "soak", "cold"])
async def test_a_server_elsewhere_is_not_asked_for_its_memory(name: str, target: Target) -> None:
    with pytest.raises(UnsupportedError):
        await SCENARIOS[name](replace(target, pids=(), restart=None), SMOKE)


async def test_a_relay_is_not_asked_for_documents_or_acknowledgements(target: Target) -> None:
    relay = replace(target, dialect=DIALECTS["relay"])
    for scenario in (SCENARIOS["join"], SCENARIOS["ack"], SCENARIOS["storm"], echoing(paced.classroom)):
        with pytest.raises(UnsupportedError):
            await scenario(relay, SMOKE)


def _once(condition: Callable[[bytes], bool]) -> Loses:
    lost: list[bytes] = []

    def loses(message: bytes) -> bool:
        if not lost and condition(message):
            lost.append(message)
            return True
        return False

    return loses


def _is_update(message: bytes) -> bool:
    return message[:2] == b"\x00\x02"


def _is_presence(message: bytes) -> bool:
    return message[:1] == b"\x01"


async def _fails(run: Callable[[], Awaitable[Outcome]], reason: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(crowd, "_PATIENCE", 0.5)
    with pytest.raises(NotConvergedError, match=reason):
        await run()


async def test_one_lost_update_makes_a_run_fail(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    async with losing(target, _once(_is_update)) as liar:
        await _fails(lambda: paced.classroom(liar, SMOKE), "lacks", monkeypatch)


async def test_lost_presence_makes_a_run_fail(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    async with losing(target, _is_presence) as liar:
        await _fails(lambda: paced.classroom(liar, SMOKE), "carets", monkeypatch)


async def test_a_lost_acknowledgement_makes_a_run_fail(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with losing(target, lambda message: b'"saved"' in message) as liar:
        await _fails(lambda: paced.ack(liar, SMOKE), "never acknowledged", monkeypatch)


async def test_a_proxy_that_loses_nothing_changes_nothing(target: Target) -> None:
    async with losing(target, lambda _: False) as honest:
        await paced.classroom(honest, SMOKE)


async def test_a_busy_generator_gives_no_figure(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "BUSY", 0.0)
    with pytest.raises(GeneratorBusyError):
        await paced.classroom(target, SMOKE)


def _passes_up_to(limit: float, error: Exception | None = None) -> flat_out.Attempt:
    async def attempt(load: float) -> Outcome:
        if load > limit and error is not None:
            raise error
        return Outcome({"edit p99 ms": 1.0 if load <= limit else 500.0})

    return attempt


@pytest.mark.parametrize("limit", [30, 99, 101, 777])
async def test_a_search_ends_just_below_what_fails(limit: int) -> None:
    outcome = await search(_passes_up_to(limit), 100, 10_000, 100, "people")

    assert limit / 1.07 <= outcome.figures["people"] <= limit
    assert not outcome.figures["limited by the search"]


async def test_a_search_says_when_the_generator_was_the_limit() -> None:
    outcome = await search(_passes_up_to(200, GeneratorBusyError("busy")), 100, 10_000, 100, "people")

    assert outcome.figures["limited by the generator"]


async def test_a_search_in_which_nothing_passes_fails() -> None:
    with pytest.raises(NotConvergedError, match="not even"):
        await search(_passes_up_to(0, NotConvergedError("lost")), 100, 10_000, 100, "people")


def test_a_room_over_two_nodes_converges(tmp_path: Path) -> None:
    with Valkey(tmp_path) as valkey, clusters(valkey.url)["2 nodes"]() as target:
        outcome = generate(SCENARIOS["nodes"], target, SMOKE)

    assert len(target.pids) == len(target.urls) == 2
    assert outcome.figures["edit p50 ms"] > 0
