"""Whose client ids are whose in a room."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Text

from collab.ownership import Ownership, encode_claims
from collab.presence import Identity
from collab.protocol.lib0 import uint
from collab.room import Room
from storage.memory_log import MemoryLog
from storage.testing import HeldLog
from tests.collab.harness import Author, make_room, settle

pytestmark = pytest.mark.anyio

SHOWN = b"\x01\x0b\x01\x02{}"
"""Presence under the client id 11."""


def person(name: str, client: int = 0) -> Author:
    return Author(name, identity=Identity(name, name, "editor"), client=client)


@pytest.fixture
async def room(log: HeldLog) -> Room:
    return make_room(log)


@pytest.fixture
def log() -> HeldLog:
    return HeldLog(MemoryLog())


async def enter(room: Room, member: Author, presence: bytes = SHOWN) -> Author:
    room.join(member)
    room.receive_presence(member, presence)
    return member


async def test_who_shows_an_id_and_is_first_to_write_under_it_owns_it_also_when_it_comes_back(
    room: Room,
) -> None:
    ann = await enter(room, person("ann", 11))
    ann.type(room, "x")
    assert room.ownership.claims == {11: "ann"}
    room.leave(ann)
    ben = person("ben")
    room.join(ben)
    assert 11 not in room.held(ben), "she is away: what she wrote may come by others"

    await enter(room, person("ann", 11))
    assert 11 in room.held(ben), "before she has written anything new"


async def test_who_passes_on_the_words_of_another_does_not_own_their_id(room: Room) -> None:
    ben = await enter(room, person("ben", 22), b"\x01\x16\x01\x02{}")
    absent = person("ann", 11)
    words = absent.doc.get("text", type=Text)
    words += "x"
    ben.doc.apply_update(absent.doc.get_update())
    ben.send(room, absent.doc.get_update())
    assert room.ownership.claims == {}

    ann = await enter(room, absent)
    ann.type(room, "y")
    await settle(room)
    assert room.ownership.claims == {11: "ann"}
    assert ben.text == "xy"


async def test_who_shows_the_id_of_another_holds_nothing_by_it(room: Room) -> None:
    room.ownership.learn({11: "ann"})
    eve, ann = await enter(room, person("eve", 11)), person("ann", 11)
    room.join(ann)
    assert room.ownership.usurped(eve) == 11
    assert 11 not in room.held(ann)
    eve.type(room, "x")
    assert room.ownership.claims == {}
    assert 11 not in room.held(ann), "what she wrote under it makes it no more hers"


async def test_nobody_takes_the_id_of_the_owner_or_of_one_who_is_unknown(room: Room) -> None:
    room.ownership.learn({11: "ann"})
    ann = await enter(room, person("ann", 11))
    assert room.ownership.usurped(ann) is None
    stranger = Author("anonymous", client=11)
    room.join(stranger)
    assert room.ownership.usurped(stranger) is None
    stranger.type(room, "x")
    assert room.ownership.claims == {}
    assert room.held(stranger) == (), "where nobody is known, nothing is held"


async def test_the_catalogue_is_right_where_two_claim_an_id(room: Room) -> None:
    ann = await enter(room, person("ann", 11))
    ann.type(room, "x")
    room.ownership.learn({11: "zoe"})
    assert room.ownership.usurped(ann) == 11


owners = st.dictionaries(st.integers(0, 2**53 - 1), st.text(max_size=9), max_size=5)


@given(owners=owners)
def test_other_nodes_hear_what_was_claimed(owners: dict[int, str]) -> None:
    hearing = ownership()
    assert hearing.hear(encode_claims(owners))
    assert hearing._owners == owners


@given(message=st.binary(max_size=40))
def test_whatever_another_node_says_does_no_harm(message: bytes) -> None:
    hearing = ownership()
    assert hearing.hear(b"\x02" + message)
    assert all(
        isinstance(client, int) and isinstance(owner, str) for client, owner in hearing._owners.items()
    )


def test_messages_of_other_kinds_are_left_to_others() -> None:
    for message in (b"", b"\x00", b"\x01", b"\x92\x00\x90"):
        assert not ownership().hear(message)


PEOPLE = {"ann": 11, "ben": 12}
"""Each person's own client id."""

acts = st.lists(
    st.tuples(
        st.sampled_from(sorted(PEOPLE)),
        st.sampled_from(["show", "show another's", "type", "send", "pass on", "go"]),
        st.sampled_from(sorted(PEOPLE)),
    ),
    min_size=25,
    max_size=50,
)


@settings(max_examples=80, deadline=None)
@given(acts=acts)
async def test_whatever_happens_an_owner_keeps_its_id_and_is_never_kept_from_it(
    acts: list[tuple[str, str, str]],
) -> None:
    room = make_room(HeldLog(MemoryLog()))
    here: dict[str, Author] = {}
    docs = {name: person(name, client).doc for name, client in PEOPLE.items()}
    owned: dict[int, str] = {}
    for number, (name, act, other) in enumerate(acts):
        if name not in here:
            here[name] = person(name)
            here[name].doc = docs[name]
            room.join(here[name])
        _act(room, here[name], act, docs[other], PEOPLE[other if "another" in act else name], number)
        if act == "go":
            here.pop(name)
        owners = dict(room.ownership._owners)
        assert owned.items() <= owners.items(), "an id stays whose it is"
        owned = owners
        for client, owner in owned.items():
            for member in here.values():
                shown = here.get(owner)
                is_shown = shown is not None and room.presence.client_of(shown) == client
                assert (client in room.held(member)) == (is_shown and member.author != owner)
    room.recorder.close()


def _act(room: Room, member: Author, act: str, other: Any, shown: int, number: int) -> None:
    """One act of a member; what is held back is dropped, as a parked update that never becomes ready."""
    if act.startswith("show"):
        room.receive_presence(member, b"".join((b"\x01", uint(shown), uint(number), b"\x02{}")))
        if room.ownership.usurped(member) is not None:
            room.company.leave(member)
    elif act == "type":
        words = member.doc.get("text", type=Text)
        words += "x"
    elif act == "send":
        _send(room, member, member.doc)
    elif act == "pass on":
        _send(room, member, other)
    elif act == "go":
        room.leave(member)


def _send(room: Room, member: Author, doc: Any) -> None:
    room.apply(member, room.document.admit(doc.get_update(), room.held(member)))


def ownership() -> Ownership:
    return Ownership(None, {})  # type: ignore[arg-type]
