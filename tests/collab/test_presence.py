"""Presence entries."""

import json

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Awareness as PycrdtAwareness
from pycrdt import Doc

from collab import peers
from collab.presence import COLOURS, MAX_ENTRIES, MAX_STATE, Identity, Presence, Told
from collab.protocol.lib0 import Malformed, uint, write_bytes, write_uint

ANN = Identity("u1", "Ann", "editor")
BEN = Identity("u2", "Ben", "viewer")


def payload(*entries: tuple[int, int, object]) -> bytes:
    out = bytearray(uint(len(entries)))
    for client, clock, state in entries:
        write_uint(out, client)
        write_uint(out, clock)
        write_bytes(out, state if isinstance(state, bytes) else json.dumps(state).encode())
    return bytes(out)


class Watcher:
    """Another implementation's view of what we send: pycrdt's Awareness."""

    def __init__(self) -> None:
        self.awareness = PycrdtAwareness(Doc())

    def see(self, data: bytes) -> None:
        self.awareness.apply_awareness_update(data, None)

    def states(self) -> dict[int, dict]:
        mine = self.awareness.client_id
        return {client: state for client, state in self.awareness.states.items() if client != mine}


def test_the_servers_identity_replaces_the_clients() -> None:
    presence, watcher = Presence(), Watcher()
    claimed = {"user": {"id": "u2", "name": "Ben", "role": "owner", "avatar": "a"}, "cursor": 5}
    client = presence.receive("ann", ANN, payload((7, 1, claimed)), 0)
    watcher.see(Told(presence.tell([client], 0)).payload())

    state = watcher.states()[7]
    assert state["cursor"] == 5
    assert state["user"] | {"color": ""} == {
        "id": "u1", "name": "Ann", "role": "editor", "avatar": "a", "color": "",
    }  # fmt: skip


def test_a_free_colour_is_kept_and_a_taken_one_replaced() -> None:
    presence = Presence()
    wish = {"user": {"color": COLOURS[3]}}
    presence.receive("ann", ANN, payload((1, 1, wish)), 0)
    presence.receive("ben", BEN, payload((2, 1, wish)), 0)
    watcher = Watcher()
    watcher.see(Told(presence.tell([1, 2], 0)).payload())

    assert watcher.states()[1]["user"]["color"] == COLOURS[3]
    assert watcher.states()[2]["user"]["color"] in set(COLOURS) - {COLOURS[3]}


def test_entries_for_others_are_passed_over_before_their_json_is_read() -> None:
    presence = Presence()
    presence.receive("ann", ANN, payload((1, 1, {})), 0)
    presence.receive("ben", BEN, payload((2, 1, {})), 0)

    assert presence.receive("ben", BEN, payload((1, 9, b"not json")), 0) is None


def test_an_entry_that_cannot_be_read_changes_nothing() -> None:
    """The same person writes for another socket's id, or another node tells nonsense of it."""
    presence = Presence()
    presence.receive("ann", None, payload((1, 1, {})), 0)
    with pytest.raises(Malformed):
        presence.receive("eve", None, payload((1, 2, b"not json")), 0)
    with pytest.raises(Malformed):
        presence.place("node", None, 1, b"not json", 0)

    assert presence.leave("ann") == 1
    assert len(presence) == 0


def test_a_second_id_of_the_same_member_is_passed_over() -> None:
    presence = Presence()
    presence.receive("ann", ANN, payload((1, 1, {})), 0)

    assert presence.receive("ann", ANN, payload((5, 1, {})), 0) is None
    assert len(presence) == 1


def test_a_stranger_cannot_take_over_an_id_but_the_same_person_can() -> None:
    presence = Presence()
    presence.receive("ann's old socket", ANN, payload((1, 1, {})), 0)

    assert presence.receive("ben", BEN, payload((1, 2, {})), 0) is None
    assert presence.receive("ann's new socket", ANN, payload((1, 1, {})), 0) == 1
    assert presence.leave("ann's old socket") is None
    assert presence.leave("ann's new socket") == 1


def test_one_who_comes_back_with_an_old_clock_is_visible_at_once() -> None:
    """The peers take 17 seconds here, since they keep the old clock."""
    presence, watcher = Presence(), Watcher()
    presence.receive("socket 1", ANN, payload((1, 5, {"here": 1})), 0)
    watcher.see(Told(presence.tell([1], 0)).payload())
    presence.leave("socket 1")
    watcher.see(Told(presence.tell([1], 0)).payload())
    gone = watcher.states()
    presence.receive("socket 2", ANN, payload((1, 5, {"here": 2})), 0)
    watcher.see(Told(presence.tell([1], 0)).payload())

    assert gone == {}
    assert watcher.states()[1]["here"] == 2


def test_a_cleared_state_clears_everywhere() -> None:
    presence, watcher = Presence(), Watcher()
    presence.receive("ann", ANN, payload((1, 1, {})), 0)
    watcher.see(Told(presence.tell([1], 0)).payload())
    presence.receive("ann", ANN, payload((1, 2, None)), 0)
    watcher.see(Told(presence.tell([1], 0)).payload())

    assert watcher.states() == {}
    assert len(presence) == 0


def test_nothing_is_kept_of_those_who_left() -> None:
    presence = Presence()
    for number in range(1000):
        presence.receive(number, ANN, payload((number, 1, {})), 0)
        presence.leave(number)

    assert (len(presence), presence._client_of) == (0, {})


def test_a_joiner_sees_everybody_but_itself() -> None:
    presence, watcher = Presence(), Watcher()
    for number in range(3):
        presence.receive(number, Identity(str(number), "", "editor"), payload((number + 1, 1, {})), 0)
    everybody = presence.encode_present(0, 0)
    assert everybody is not None
    watcher.see(everybody)

    assert set(watcher.states()) == {2, 3}


def test_what_was_told_long_ago_is_due_for_renewal() -> None:
    presence = Presence()
    presence.receive("ann", ANN, payload((1, 1, {})), 0)
    presence.tell([1], 1000)

    assert presence.due(15_000, 18_000) == []
    assert presence.due(20_000, 18_000) == [1]


@pytest.mark.parametrize(
    "state",
    [
        b"NaN",
        b'{"x":NaN}',
        b'{"x":Infinity}',
        b'{"x":"\\ud800"}',
        b"[1]",
        b"5",
        b"{",
        b"\xff",
        b'{"x":"' + b"y" * MAX_STATE + b'"}',
        b'{"x":' + b"[" * 4000 + b"]" * 4000 + b"}",
    ],
)
@pytest.mark.parametrize("identity", [ANN, None])
def test_what_a_browser_would_choke_on_is_refused(state: bytes, identity: Identity | None) -> None:
    presence = Presence()
    with pytest.raises(Malformed):
        presence.receive("x", identity, payload((1, 1, state)), 0)
    assert len(presence) == 0


def test_a_payload_with_more_entries_than_a_room_has_members_is_refused() -> None:
    with pytest.raises(Malformed):
        Presence().receive("x", ANN, payload(*[(1, 1, None)] * (MAX_ENTRIES + 1)), 0)


def test_a_member_that_moves_keeps_its_colour() -> None:
    presence, watcher = Presence(), Watcher()
    colours = set()
    for clock in range(3):
        presence.receive("ann", ANN, payload((1, clock, {"cursor": clock})), 0)
        watcher.see(Told(presence.tell([1], clock)).payload())
        colours.add(watcher.states()[1]["user"]["color"])

    assert len(colours) == 1


def test_renewals_are_spread_over_many_calls() -> None:
    presence = Presence()
    for number in range(500):
        presence.receive(number, Identity(str(number), "", "editor"), payload((number, 1, {})), 0)
    seen: set[int] = set()
    while due := presence.due(100_000, 18_000):
        assert len(due) < 100
        seen.update(presence.tell(due, 100_000))

    assert len(seen) == 500


@given(st.binary(max_size=80))
def test_no_payload_raises_anything_but_malformed(data: bytes) -> None:
    try:
        Presence().receive("x", ANN, data, 0)
    except Malformed:
        pass


def test_a_payload_leaves_one_entry_out() -> None:
    presence, watcher = Presence(), Watcher()
    for client, owner in ((1, "ann"), (2, "ben"), (300, "carl")):
        presence.receive(owner, None, payload((client, 1, {"n": client})), 0)
    told = Told(presence.tell([1, 2, 300], 0))
    watcher.see(told.payload(2))
    assert watcher.states() == {1: {"n": 1}, 300: {"n": 300}}
    watcher.see(told.payload())
    assert watcher.states() == {1: {"n": 1}, 2: {"n": 2}, 300: {"n": 300}}


def test_an_entry_that_says_nothing_new_is_told_to_nobody() -> None:
    presence = Presence()
    assert presence.receive("ann", ANN, payload((1, 1, {"n": 1})), 0) == 1
    assert presence.receive("ann", ANN, payload((1, 2, {"n": 1})), 15_000) is None
    assert presence.receive("ann", ANN, payload((1, 3, {"n": 2})), 16_000) == 1


def test_one_who_comes_from_a_node_with_a_fast_clock_sees_everybody() -> None:
    """Clients pass over entries whose clock is not above the one they know."""
    fast, slow, watcher = Presence(), Presence(), Watcher()
    fast.receive("ann", ANN, payload((1, 1, {"n": 1})), 3_600_000)
    watcher.see(Told(fast.tell([1], 3_600_000)).payload())
    slow.outrun(fast.clock)
    slow.place("ann, over there", ANN, 1, b'{"n":2}', 0)
    joined = slow.encode_present("the watcher", 0)
    assert joined is not None
    watcher.see(joined)
    assert watcher.states() == {1: {"n": 2}}


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"nonsense",
        msgpack.packb((1, [(1, "text", "", "", "", False, False)])),
        msgpack.packb((1, [("1", b"{}", "", "", "", False, False)])),
        msgpack.packb((1, [(-1, b"{}", "", "", "", False, False)])),
        msgpack.packb((1, [(1, b"{}", ["subject"], "", "", False, False)])),
        msgpack.packb((1, [(1, b"{}")])),
        msgpack.packb((2**60, [])),
        msgpack.packb((float("inf"), [])),
    ],
)
def test_what_no_node_of_ours_says_is_passed_over(message: bytes) -> None:
    """Clients could not read a state of another type, or a clock beyond 2^53."""
    assert peers.decode(message) == ([], 0)


def test_what_nodes_say_is_understood() -> None:
    ann = peers.Visible(7, b"{}", "u1", "Ann", "editor", writes=True, wrote=False)
    gone = peers.Visible(8, None, "", "", "", writes=False, wrote=False)
    assert peers.decode(peers.encode([ann, gone], 5)) == ([ann, gone], 5)


def test_an_echo_takes_over_nobodys_entry_where_nobody_is_known() -> None:
    """y-websocket clients send back all they are told; who shows nothing has no entry of its own then."""
    presence = Presence()
    presence.receive("ann", None, payload((1, 5, {"n": 1})), 1_795_000_000_000)
    told = Told(presence.tell([1], 1_795_000_000_000)).payload()
    assert presence.receive("ben", None, told, 1_795_000_000_001) is None
    assert presence.owner_of(1) == "ann"
    assert presence.receive("ann, again", None, payload((1, 6, {"n": 1})), 1_795_000_000_002) == 1
