"""Servers take turns, and a failure is one run's."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.measure import NotConvergedError, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.running import interleave
from benchmarks.bench.servers import Contender
from benchmarks.bench.sizes import SMOKE, Sizes
from benchmarks.bench.target import Target


def _server(name: str) -> Contender:
    @contextmanager
    def start() -> Iterator[Target]:
        yield Target(name, ("ws://127.0.0.1:1",), DIALECTS["y-websocket"])

    return start


SERVERS = {name: _server(name) for name in "abc"}


async def _fine(target: Target, _: Sizes) -> Outcome:
    return Outcome({"length": len(target.name)})


async def _fails_on_b(target: Target, sizes: Sizes) -> Outcome:
    if target.name == "b":
        raise NotConvergedError("lost")
    return await _fine(target, sizes)


async def _unknown_to_b(target: Target, sizes: Sizes) -> Outcome:
    if target.name == "b":
        raise UnsupportedError("no such thing")
    return await _fine(target, sizes)


def test_servers_take_turns() -> None:
    runs = list(interleave({"one": _fine, "two": _fine}, SERVERS, SMOKE, 2))

    assert [run.server for run in runs] == list("abcabc" * 2)
    assert [run.repeat for run in runs] == [1, 1, 1, 2, 2, 2] * 2
    assert [run.scenario for run in runs] == ["one"] * 6 + ["two"] * 6


def test_a_failure_is_told_and_the_others_go_on() -> None:
    runs = list(interleave({"one": _fails_on_b}, SERVERS, SMOKE, 2))

    assert [run.server for run in runs if run.outcome is None] == ["b", "b"]
    assert {run.failure for run in runs if run.server == "b"} == {"NotConvergedError: lost"}


def test_a_server_without_what_is_measured_is_left_out() -> None:
    runs = list(interleave({"one": _unknown_to_b}, SERVERS, SMOKE, 2))

    assert [run.server for run in runs] == list("acac")


def test_a_server_that_does_not_answer_is_a_failure() -> None:
    async def connects(target: Target, _: Sizes) -> Outcome:
        await target.crowd().open_room(1, 1)
        return Outcome()

    (run,) = interleave({"one": connects}, {"a": SERVERS["a"]}, SMOKE, 1)

    assert run.outcome is None
    assert "refused" in run.failure
