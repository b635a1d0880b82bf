"""Whatever happens to frames, logs, snapshots and servers, everybody ends with what Yjs shows.

Hypothesis writes the stories: authors edit; their frames arrive late, twice, in another order, over somebody
else's socket or never; readers stall; the log holds appends or fails; snapshots are made and lost; the server
is restarted or killed. STUDYHUB_ORACLE_EXAMPLES sets how many stories are tried (100).
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pycrdt import Doc, Text

from collab.document import EMPTY_STATE_VECTOR
from collab.protocol.ywebsocket import decode_state_vector
from storage.compactor import Compactor
from storage.errors import Unavailable
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.testing import Hold
from tests.collab.oracle import MATERIAL, Author, Server, SimulatedLoop, Yjs, stored
from tests.interop.node import install
from tests.interop.views import view

EXAMPLES = int(os.environ.get("STUDYHUB_ORACLE_EXAMPLES", "100"))
STEPS = 40  # of one story
LONG = 20.0  # simulated seconds after which the server has done all that it can
ROUNDS = 20  # of frames both ways until nobody has anything to say
NAMES = ("ann", "ben", "eve")

T = TypeVar("T")
names = st.sampled_from(NAMES)
seeds = st.integers(0, 2**16)
picks = st.integers(0, 7)  # one of several frames, modulo how many there are


class Story(RuleBasedStateMachine):
    """Three authors, and one server that may crash."""

    def __init__(self, yjs: Yjs) -> None:
        super().__init__()
        self.yjs = yjs
        self.loop = SimulatedLoop()
        self.folder = tempfile.TemporaryDirectory()
        self.log, self.objects = MemoryLog(), MemoryObjects()
        self.made: list[
            bytes
        ] = []  # all edits, in causal order: in any other, Yjs now and then holds some back
        self.authors = {name: Author(name, number, self.made) for number, name in enumerate(NAMES, 1)}
        self.runs = 0  # of the server
        self.may_lose_a_snapshot = False

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 0.1) -> T:
        """Do `work`, and let the server go on for some simulated seconds."""

        async def both() -> T:
            result = await work
            await asyncio.sleep(seconds)
            return result

        return self.loop.run_until_complete(both())

    def call(self, function: Callable[[], object], seconds: float = 0.1) -> None:
        """As `run`, with a function that needs the event loop."""

        async def on_the_loop() -> None:
            function()

        self.run(on_the_loop(), seconds)

    def wait(self, seconds: float = 0.1) -> None:
        self.run(asyncio.sleep(0), seconds)

    @initialize()
    def start(self) -> None:
        self.runs += 1
        self.server = Server(self.log, self.objects, Path(self.folder.name) / str(self.runs))
        for author in self.authors.values():
            self.run(author.connect(self.server))

    # Clients

    @rule(name=names, count=st.integers(1, 6), seed=seeds)
    def edit(self, name: str, count: int, seed: int) -> None:
        random = Random(seed)
        for _ in range(count):
            self.authors[name].edit(random)

    @rule(name=names, picks=st.lists(picks, min_size=1, max_size=8), again=st.booleans())
    def deliver(self, name: str, picks: list[int], again: bool) -> None:
        author = self.authors[name]
        for pick in picks:
            if author.outgoing:
                author.deliver(pick % len(author.outgoing), again=again)
        self.wait()

    @rule(seed=seeds, count=st.integers(2, 12))
    def all_edit_at_once_and_frames_arrive_in_any_order(self, seed: int, count: int) -> None:
        random = Random(seed)
        for author in random.choices(list(self.authors.values()), k=count):
            author.edit(random)
        while any(author.outgoing for author in self.authors.values()):
            author = random.choice([author for author in self.authors.values() if author.outgoing])
            author.deliver(random.randrange(len(author.outgoing)))
            if random.random() < 0.3:
                self.wait()
                random.choice(list(self.authors.values())).read_all()
        self.wait()

    @rule(seed=seeds)
    def all_edit_and_hear_each_other(self, seed: int) -> None:
        random = Random(seed)
        for author in random.choices(list(self.authors.values()), k=4):
            author.edit(random)
            author.deliver_all()
            self.wait()
            for reader in self.authors.values():
                reader.read_all()

    @rule(name=names, other=names, pick=picks)
    def deliver_over_another_socket(self, name: str, other: str, pick: int) -> None:
        outgoing = self.authors[other].outgoing
        if outgoing:
            self.authors[name].learn(self.authors[other])
            self.authors[name].give(outgoing[pick % len(outgoing)])
            self.wait()

    @rule(name=names, pick=picks)
    def lose(self, name: str, pick: int) -> None:
        author = self.authors[name]
        if author.outgoing:
            author.lose(pick % len(author.outgoing))

    @rule(name=names, count=st.integers(1, 5))
    def read(self, name: str, count: int) -> None:
        self.authors[name].read(count)

    @rule(name=names)
    def stall_or_read_on(self, name: str) -> None:
        reading = self.authors[name].wire.reading
        (reading.clear if reading.is_set() else reading.set)()
        self.wait()

    @rule(name=names)
    def resync(self, name: str) -> None:
        self.authors[name].resync()

    @rule(name=names)
    def reconnect(self, name: str) -> None:
        self.authors[name].read_all()
        self.run(self.authors[name].connect(self.server))

    # Storage

    @rule(where=st.sampled_from(Hold))
    def hold_appends(self, where: Hold) -> None:
        self.server.log.hold(where)

    @rule()
    def release_appends(self) -> None:
        self.call(self.server.log.release)

    @rule(kept=st.booleans())
    def fail_appends(self, kept: bool) -> None:
        error = Unavailable("append", MATERIAL, "disk full")
        self.call(lambda: self.server.log.fail(error, stored=kept))

    @rule()
    def compact(self) -> None:
        self.run(Compactor(self.log, self.objects).compact(MATERIAL, 1_000_000))
        self.may_lose_a_snapshot = len(self.run(Snapshots(self.objects).list(MATERIAL))) > 1

    @precondition(lambda self: self.may_lose_a_snapshot)
    @rule()
    def lose_the_newest_snapshot(self) -> None:
        [*_, newest] = self.run(Snapshots(self.objects).list(MATERIAL))
        self.run(self.objects.delete(newest.name))
        self.may_lose_a_snapshot = False

    # The server

    @rule()
    def restart(self) -> None:
        self.call(self.server.log.release)
        self.run(self.server.stop(), LONG)
        self.check_promises()
        self.start()

    @rule(where=st.none() | st.sampled_from(Hold), seed=seeds, joiner=names)
    def kill(self, where: Hold | None, seed: int, joiner: str) -> None:
        """Often at the worst time: edits are on their way to the log, and somebody has just come in."""
        if where:
            self.server.log.hold(where)
            self.all_edit_and_hear_each_other(seed)
            self.reconnect(joiner)
            self.authors[joiner].deliver_all()
            self.all_edit_and_hear_each_other(seed)
        self.run(self.server.crash())
        self.check_promises()
        self.start()

    # What must hold

    @rule()
    def all_agree(self) -> None:
        """Everything arrives, over new sockets where frames were lost; then all show what Yjs shows."""
        self.call(self.server.log.release, LONG)
        for author in self.authors.values():
            author.wire.reading.set()
            if author.lossy:
                author.read_all()
                self.run(author.connect(self.server))
        self.deliver_everything()
        assert all(author.is_saved for author in self.authors.values())
        self.check_promises()
        self.check_views()

    def deliver_everything(self) -> None:
        for _ in range(ROUNDS):
            self.wait()
            if not any(author.outgoing or author.wire.arrived for author in self.authors.values()):
                return
            for author in self.authors.values():
                author.read_all()
                author.deliver_all()
        raise AssertionError("clients and server have ever more to say")

    def check_promises(self) -> None:
        """What was acknowledged or shown is in storage, whatever happened to the server."""
        _, document = self.run(stored(self.log, self.objects))
        doc: Doc[Any] = Doc()
        doc.apply_update(document.diff(EMPTY_STATE_VECTOR))
        held = _shown(doc)
        for author in self.authors.values():
            author.read_all()
            for update in author.saved + author.seen:
                doc.apply_update(update)
            assert _shown(doc) == held, f"{author.name} was promised more than storage holds"

    def check_views(self) -> None:
        updates, document = self.run(stored(self.log, self.objects))
        state = document.diff(EMPTY_STATE_VECTOR)
        expected = self.yjs.view(self.made)
        assert not expected["pending"]
        fresh: Doc[Any] = Doc()
        fresh.apply_update(state)
        for doc in (fresh, *(author.doc for author in self.authors.values())):
            assert _shown(doc) == {key: expected[key] for key in _shown(doc)}
        for given in ([state], updates):
            assert self.yjs.view(given) | {"update": ""} == expected | {"update": ""}

    def teardown(self) -> None:
        try:
            self.all_agree()
        finally:
            self.run(self.server.crash(), LONG)
            self.loop.close()
            self.folder.cleanup()


def _shown(doc: Doc[Any]) -> dict[str, Any]:
    runs = doc.get("text", type=Text).diff()
    delta = [{"insert": text} | ({"attributes": formats} if formats else {}) for text, formats in runs]
    return {**view(doc), "delta": delta, "clocks": _named(decode_state_vector(doc.get_state()))}


def _named(clocks: dict[int, int]) -> dict[str, int]:
    return {str(client): clock for client, clock in clocks.items()}


@pytest.fixture(scope="module")
def yjs() -> Iterator[Yjs]:
    install()
    with Yjs() as running:
        yield running


@pytest.mark.timeout(120 + EXAMPLES)
def test_everybody_ends_with_what_yjs_shows(yjs: Yjs) -> None:
    run_state_machine_as_test(
        cast(type[Story], partial(Story, yjs)),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
