"""Whatever the order, repetition, loss and delay of updates, all replicas come to one document."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pycrdt import Doc, Text, merge_updates

from collab.updates import parse
from collab.updates.content import SKIP
from tests.collab.updates.craft import block, string, update
from tests.collab.updates.traffic import Author, Replica, history, reloaded, view, yjs_updates

SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_one_author_in_any_order(order: tuple[int, int, int]) -> None:
    """The smallest case that pycrdt alone loses a letter in: the second and third update before the first."""
    sent = [
        update(block(7, 0, string("a"))),
        update(block(7, 1, string("b", origin=(7, 0)))),
        update(block(7, 2, string("c", origin=(7, 0), right=(7, 1)))),
    ]
    replica = Replica()
    for index in order:
        replica.receive(sent[index])

    assert str(replica.doc.get("text", type=Text)) == "acb"
    assert not replica.parked


def test_pycrdt_alone_does_not_converge() -> None:
    """The reason for the gate. When this fails, pycrdt has been repaired."""
    lost = 0
    for seed in range(40):
        random = Random(seed)
        authors, updates = history(random, 15)
        random.shuffle(updates)
        doc: Doc[object] = Doc()
        for honest in updates:
            doc.apply_update(honest)
        lost += view(doc) != view(authors[0].doc)

    assert lost


def test_nothing_of_a_gap_is_shown() -> None:
    replica = Replica()
    replica.receive(update(block(7, 1, string("b", origin=(7, 0)))))
    replica.receive(update(block(8, 5, string("x"))))

    assert str(replica.doc.get("text", type=Text)) == ""
    assert replica.clocks == {}


@settings(max_examples=60)
@given(SEEDS)
def test_three_authors_in_any_order(seed: int) -> None:
    random = Random(seed)
    authors, updates = history(random, 25)
    shuffled = updates + random.choices(updates, k=5)
    random.shuffle(shuffled)
    replica, ordered = Replica(), Replica()
    for honest in shuffled:
        replica.receive(honest)
    for honest in updates:
        ordered.receive(honest)
        assert not ordered.parked

    expected = view(authors[0].doc)
    assert [view(author.doc) for author in authors[1:]] == [expected] * 2
    assert view(ordered.doc) == view(replica.doc) == expected
    assert not replica.parked
    assert view(reloaded(replica.doc.get_update())) == expected


@settings(max_examples=30)
@given(SEEDS)
def test_updates_merged_at_random_and_with_gaps(seed: int) -> None:
    """A sync step 2 and the flush of an offline client are merges, also of updates that do not touch."""
    random = Random(seed)
    authors, updates = history(random, 25)
    messages = [merge_updates(*random.sample(updates, min(len(updates), 4))) for _ in range(10)] + updates
    random.shuffle(messages)
    replica = Replica()
    for message in messages:
        replica.receive(message)

    assert view(replica.doc) == view(authors[0].doc)
    assert not replica.parked


def test_states_that_yjs_sends_with_gaps_are_split() -> None:
    """Yjs holds back what comes early and tells of the gap with a Skip; what it holds back must wait."""
    gapped = [honest for honest in yjs_updates() if _has_skip(honest)]

    assert len(gapped) > 50
    for honest in gapped:
        replica = Replica()
        replica.receive(honest)
        assert view(reloaded(replica.doc.get_update())) == view(replica.doc)


def _has_skip(honest: bytes) -> bool:
    return any(struct.kind == SKIP for one in parse(honest).blocks.values() for struct in one.structs)


class Delivery(RuleBasedStateMachine):
    """Three authors, a server behind the gate that also restarts, and a network that does as it likes."""

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        self.random = Random(seed)
        self.authors = [Author(client) for client in (11, 12, 13)]
        self.network: list[bytes] = []
        self.server = Replica()

    @rule(index=st.integers(0, 2))
    def edit(self, index: int) -> None:
        author = self.authors[index]
        before = len(author.sent)
        author.edit(self.random)
        self.network += author.sent[before:]

    @rule(reader=st.integers(0, 2), writer=st.integers(0, 2))
    def meet(self, reader: int, writer: int) -> None:
        self.authors[reader].learn(self.authors[writer])

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if self.network:
            index = data.draw(st.integers(0, len(self.network) - 1))
            self.server.receive(self.network.pop(index))

    @rule(data=st.data())
    def deliver_twice(self, data: st.DataObject) -> None:
        if self.network:
            message = data.draw(st.sampled_from(self.network))
            self.server.receive(message)
            self.server.receive(message)

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        if self.network:
            self.network.pop(data.draw(st.integers(0, len(self.network) - 1)))

    @rule()
    def restart(self) -> None:
        """A snapshot holds what was applied; what was parked goes, since its sender still has it."""
        self.server = Replica(self.server.doc.get_update())

    @rule(index=st.integers(0, 2))
    def reconnect(self, index: int) -> None:
        """Sync step 1 and 2, both ways."""
        author = self.authors[index]
        self.server.receive(author.doc.get_update(self.server.doc.get_state()))
        author.doc.apply_update(self.server.doc.get_update(author.doc.get_state()))

    @invariant()
    def the_server_reads_back(self) -> None:
        if hasattr(self, "server"):
            assert view(reloaded(self.server.doc.get_update())) == view(self.server.doc)

    def teardown(self) -> None:
        if not hasattr(self, "server"):
            return
        for index in (0, 1, 2, 0, 1, 2):
            self.reconnect(index)
        assert not self.server.parked
        assert [view(author.doc) for author in self.authors] == [view(self.server.doc)] * 3


Delivery.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestDelivery = Delivery.TestCase
