"""Accounts agree with a model that looks at every unit on its own."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from collab.authorship.account import Account
from collab.authorship.derive import Step, derive
from collab.authorship.encoding import decode, encode
from collab.document import EMPTY_UPDATE
from storage.format import encode_entry
from storage.values import Cursor, Entry, Part
from tests.collab.authorship.stories import Act, Story, facts, stories

NOTHING = encode(Account())


def steps(entries: list[Entry]) -> list[Step]:
    return [(Cursor(0, number), encode_entry(entry)) for number, entry in enumerate(entries, 1)]


@settings(max_examples=150)
@given(stories)
def test_every_unit_is_whose_the_model_says(acts: list[Act]) -> None:
    story = Story()
    story.tell(acts)

    account = decode(derive(NOTHING, EMPTY_UPDATE, steps(story.entries))[0])

    assert facts(account) == story.facts
    assert account.owners == story.owners


@settings(max_examples=75)
@given(stories, st.lists(st.integers(0, 20), max_size=4))
def test_bit_by_bit_gives_the_same_bytes(acts: list[Act], cuts: list[int]) -> None:
    """Also where everything comes again: derivation may begin before what is known."""
    story = Story()
    story.tell(acts)
    all_steps = steps(story.entries)
    whole = derive(NOTHING, EMPTY_UPDATE, all_steps)[0]
    data, state, at = NOTHING, EMPTY_UPDATE, 0
    for cut in sorted(cuts):
        data, state = derive(data, state, all_steps[at:cut])
        at = max(at, cut)

    assert derive(data, state, all_steps[at:])[0] == whole
    assert derive(whole, EMPTY_UPDATE, all_steps)[0] == whole


def words_of(client: int, count: int) -> list[bytes]:
    doc: Doc[Any] = Doc(client_id=client)
    text, updates = doc.get("text", type=Text), []
    for _ in range(count):
        before = doc.get_state()
        text.insert(len(text), "word")
        updates.append(doc.get_update(before))
    return updates


def test_in_one_entry_the_earlier_units_say_whose_a_client_id_is() -> None:
    """Bob sent something first, so his part comes first; what he relayed of Ann's came after hers."""
    first, second = words_of(10, 2)
    account = Account()
    account.note(Entry(0, (Part("bob", (), second), Part("ann", (), first))), {})

    assert account.owners == {10: "ann"}
    assert facts(account) == {(10, clock): ("ann" if clock < 4 else "bob", 0, "-", 0) for clock in range(8)}


def test_who_nobody_vouches_for_is_nobody() -> None:
    """Without authentication all have the same subject."""
    account = Account()
    account.note(Entry(0, (Part("anonymous", (), words_of(10, 1)[0]),)), {})

    assert account.authors() == set()
    assert account.owners == {}
