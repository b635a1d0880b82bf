"""Who wrote and who deleted what in a material, for those who may read it."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from collab.api.models.authorship import (
    AiView,
    AmountView,
    AuthorView,
    ContributionListing,
    ContributionView,
    RangeListing,
    RangeView,
)
from collab.api.paging import Page, PageDep
from collab.api.problems import Missing
from collab.api.rules import requires
from collab.authorship.account import MINUTE
from collab.authorship.service import NOBODY, Authorship, Person
from collab.authorship.views import Contribution, Piece, total
from collab.sharing.roles import Action

_MOST = 2000  # ranges in a page: they are small, and a page of the app wants all

router = APIRouter(prefix="/materials", tags=["authorship"])


async def _authorship(request: Request) -> Authorship:
    authorship: Authorship | None = request.app.state.authorship
    if authorship is None:
        raise Missing
    return authorship


async def _ranges(
    request: Request,
    after: Annotated[
        str, Query(pattern=r"^([0-9]{1,16}:[0-9]{1,10})?$", description="The `next` of the page before.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST, description="Items at most.")] = _MOST,
) -> Page:
    return Page(request, after, limit)


AuthorshipDep = Annotated[Authorship, Depends(_authorship)]


@router.get("/{material:path}/authorship", dependencies=[requires(Action.READ)])
async def list_ranges(
    material: str, page: Annotated[Page, Depends(_ranges)], authorship: AuthorshipDep
) -> RangeListing:
    """Who wrote and who deleted each range of units, by client id and clock."""
    client, _, clock = page.after.partition(":")
    found = await authorship.ranges(material, (int(client or 0), int(clock or 0)), page.limit + 1)
    people = await authorship.people({author for piece in found for author in _named(piece)})
    listing = page.listing(
        [_range(piece, people) for piece in found], lambda view: f"{view.client}:{view.clock + view.length}"
    )
    named = sorted(set(people.values()), key=lambda person: person.id)
    return RangeListing(items=listing.items, next=listing.next, people=[_author(person) for person in named])


@router.get("/{material:path}/contributions", dependencies=[requires(Action.READ)])
async def list_contributions(material: str, page: PageDep, authorship: AuthorshipDep) -> ContributionListing:
    """What each person wrote and deleted, and the share of AI. Units are counted as Yjs does."""
    done = await authorship.contributions(material)
    people = sorted((person for person in done if person.id > page.after), key=lambda person: person.id)
    views = [_contribution(person, done[person]) for person in people[: page.limit + 1]]
    listing = page.listing(views, lambda view: view.author.id)
    everything = total(done.values())
    return ContributionListing(
        items=listing.items,
        next=listing.next,
        total=AmountView(
            inserted=everything.inserted + everything.relayed,
            present=everything.present + everything.relayed_present,
        ),
        relayed=AmountView(inserted=everything.relayed, present=everything.relayed_present),
        unattributed=_own(done.get(NOBODY, Contribution())),
        ai=_ai(done, everything.present + everything.relayed_present),
    )


def _named(piece: Piece) -> Iterator[str]:
    yield from (piece.owner, piece.brought.author)
    if piece.deleted is not None:
        yield piece.deleted.author


def _range(piece: Piece, people: Mapping[str, Person]) -> RangeView:
    sender, deleted = people.get(piece.brought.author), piece.deleted
    wrote = sender is not None and sender == people.get(piece.owner)
    by = None if deleted is None else people.get(deleted.author)
    return RangeView(
        client=piece.client,
        clock=piece.start,
        length=piece.stop - piece.start,
        author=sender.id if sender and wrote else None,
        relayed_by=sender.id if sender and not wrote else None,
        time=piece.brought.minute * MINUTE,
        deleted=None if deleted is None else deleted.minute * MINUTE,
        deleted_by=by.id if by else None,
    )


def _author(person: Person) -> AuthorView:
    return AuthorView(id=person.id, name=person.name or None, ai=person.is_ai)


def _contribution(person: Person, done: Contribution) -> ContributionView:
    return ContributionView(
        author=_author(person),
        inserted=done.inserted,
        present=done.present,
        relayed=done.relayed,
        deleted_own=done.deleted_own,
        deleted_others=done.deleted_others,
    )


def _own(done: Contribution) -> AmountView:
    return AmountView(inserted=done.inserted, present=done.present)


def _ai(done: Mapping[Person, Contribution], present: int) -> AiView:
    runs = total(one for person, one in done.items() if person.is_ai)
    return AiView(
        inserted=runs.inserted, present=runs.present, share=runs.present / present if present else None
    )
