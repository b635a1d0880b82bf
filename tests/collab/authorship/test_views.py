"""Pieces and contributions say what the model says."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from collab.authorship.account import Account
from collab.authorship.derive import derive
from collab.authorship.encoding import decode, encode
from collab.authorship.views import Contribution, contributions, pieces, total
from collab.document import EMPTY_UPDATE
from tests.collab.authorship.stories import Act, Story, stories
from tests.collab.authorship.test_account import steps


def account_of(story: Story) -> Account:
    return decode(derive(encode(Account()), EMPTY_UPDATE, steps(story.entries))[0])


@given(stories, st.integers(1, 5))
def test_pages_join_to_the_whole(acts: list[Act], count: int) -> None:
    story = Story()
    story.tell(acts)
    account = account_of(story)
    whole, paged, begin = list(pieces(account)), [], (0, 0)
    while page := [piece for piece, _ in zip(pieces(account, begin), range(count), strict=False)]:
        paged += page
        begin = (page[-1].client, page[-1].stop)

    assert paged == whole


@given(stories, st.data())
def test_from_any_unit_on(acts: list[Act], data: st.DataObject) -> None:
    """A page may begin in the middle of a piece: it has grown since the page before."""
    story = Story()
    story.tell(acts)
    account = account_of(story)
    begin = data.draw(st.sampled_from([(0, 0), (99, 0), *story.facts]))
    found = [(piece.client, clock) for piece in pieces(account, begin) for clock in range(*piece[1:3])]

    assert found == sorted(unit for unit in story.facts if unit >= begin)


@given(stories, st.sampled_from([{}, {"bob": "ann"}]))
def test_contributions_count_every_unit(acts: list[Act], persons: dict[str, str]) -> None:
    story = Story()
    story.tell(acts)
    expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (client, _), (author, _, by, _) in story.facts.items():
        sender, owner = persons.get(author, author), persons.get(story.owners.get(client, ""))
        owner = owner or story.owners.get(client, "")
        own = sender in ("", owner)
        expected[sender]["inserted" if own else "relayed"] += 1
        expected[sender]["present" if own else "relayed_present"] += by == "-"
        by = persons.get(by, by)
        if by not in ("-", ""):
            expected[by]["deleted_own" if own and by == sender else "deleted_others"] += 1

    found = contributions(account_of(story), persons)

    assert found == {who: Contribution(**counts) for who, counts in expected.items()}


def test_the_sum_of_nothing() -> None:
    assert total([]) == Contribution()
    assert total([Contribution(inserted=1), Contribution(2, 3)]) == Contribution(3, 3)
