"""The simulator finds what it should, and the cluster stands up to it."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from benchmarks.simulator.ledger import Fact, Ledger, Token, View
from benchmarks.simulator.run import simulate
from benchmarks.simulator.world import World
from collab.recorder import Recorder
from collab.relay import Relay
from storage import loader
from storage.values import Announcement

_SEEDS = 300
_CHUNK = 20
_PLANTED = 50  # seeds within which a planted bug must be found


def _start() -> int:
    """Other seeds for each commit; the same for all processes of one test run."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout
    return int(commit[:6] or "0", 16)


@pytest.mark.parametrize("chunk", range(_SEEDS // _CHUNK))
def test_nothing_promised_is_lost_whatever_fails(chunk: int) -> None:
    """`python -m benchmarks.simulator --seed N --verbose` replays one that fails."""
    first = _start() + chunk * _CHUNK
    results = [simulate(seed) for seed in range(first, first + _CHUNK)]

    assert {result.seed: result.failures for result in results if result.failures} == {}
    assert sum(result.counts["acknowledged"] for result in results) > 20 * _CHUNK


def test_the_same_seed_gives_the_same_run_whatever_the_hash_seed() -> None:
    code = "from benchmarks.simulator.run import simulate; print([simulate(n).digest for n in range(5)])"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert runs[0] == runs[1]
    assert runs[0] == f"{[simulate(seed).digest for seed in range(5)]}\n"
    assert len(set(eval(runs[0]))) == 5


# Planted bugs


def _ignore_gaps() -> AbstractContextManager[Any]:
    announced = Relay.announced

    def take(self: Relay, announcement: Announcement) -> None:
        if self._room is not None and self._work is None and announcement.previous > self.position:
            self.position = announcement.previous
        announced(self, announcement)

    return patch.object(Relay, "announced", take)


def _acknowledge_early() -> AbstractContextManager[Any]:
    append = Recorder.append

    def early(self: Recorder, batch: Any) -> None:
        self._owner.reached(batch.position)
        append(self, batch)

    return patch.object(Recorder, "append", early)


def _skip_newest() -> AbstractContextManager[Any]:
    loaded: Callable[..., Any] = loader._loaded

    def skip(doc: str, snapshot: Any, rows: list[Any], state: Any) -> Any:
        found = loaded(doc, snapshot, rows, state)
        return replace(found, updates=found.updates[:-1]) if len(rows) > 1 else found

    return patch.object(loader, "_loaded", skip)


def _mend_nothing() -> AbstractContextManager[Any]:
    async def sound(self: Relay, *_: object) -> bool:
        return True

    return patch.object(Relay, "_is_sound", sound)


@pytest.mark.parametrize("plant", [_ignore_gaps, _acknowledge_early, _skip_newest, _mend_nothing])
def test_a_planted_bug_is_found(plant: Callable[[], AbstractContextManager[Any]]) -> None:
    with plant():
        assert any(simulate(seed).failures for seed in range(_PLANTED))


# The checker


def _ledger() -> Ledger:
    ledger = Ledger()
    for name in ("one", "two"):
        ledger.write(name, Token("d", "ann", 1, 0))
        ledger.promise(Fact(name, True), "acknowledged")
    return ledger


def test_a_document_with_every_token_once_is_right() -> None:
    assert list(_ledger().judge("d", View("one;", ("two",)), "it")) == []


@pytest.mark.parametrize(
    ("shown", "complaint"),
    [
        (View("one;", ()), "lacks two"),
        (View("one;two;one;", ()), "doubled"),
        (View("one;two;three;", ()), "nobody wrote"),
    ],
)
def test_a_wrong_document_is_complained_of(shown: View, complaint: str) -> None:
    (found,) = _ledger().judge("d", shown, "it")

    assert complaint in found


def test_a_deletion_that_was_promised_counts() -> None:
    ledger = _ledger()
    ledger.deleted["two"] = None
    assert list(ledger.judge("d", View("one;", ()), "it")) == []
    assert list(ledger.judge("d", View("one;two;", ()), "it")) == []

    ledger.promise(Fact("two", False), "acknowledged")
    assert list(ledger.judge("d", View("one;", ()), "it")) == []
    assert len(list(ledger.judge("d", View("one;two;", ()), "it"))) == 1


def test_what_no_copy_was_left_of_may_be_missing() -> None:
    ledger = _ledger()
    ledger.excused[Fact("two", True)] = None

    assert list(ledger.judge("d", View("one;", ()), "it")) == []


# The world


def test_time_passes_at_once_and_in_order() -> None:
    world = World(0)
    seen: list[tuple[str, float]] = []
    for name, delay in (("late", 5000.0), ("soon", 0.5)):
        world.at(delay, lambda name=name: seen.append((name, world.now)))
    world.run(10_000)

    assert seen == [("soon", 0.5), ("late", 5000.0)]


def test_a_paused_machine_does_everything_later_and_a_dead_one_nothing() -> None:
    world = World(0)
    paused, dead = world.loop("paused"), world.loop("dead")
    seen: list[tuple[str, float]] = []
    for loop in (paused, dead):
        loop.call_later(1.0, lambda loop=loop: seen.append((loop.name, world.now)))
    paused.is_paused = dead.is_dead = True
    world.run(3.0)
    assert seen == []

    paused.resume()
    world.run(3.0)
    assert seen == [("paused", 3.0)]
