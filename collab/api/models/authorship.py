"""Answers about who wrote what. Times are Unix milliseconds, to the minute; lengths are in units of Yjs."""

from pydantic import BaseModel

from collab.api.paging import Listing


class AuthorView(BaseModel):
    """Somebody who wrote or deleted something. A guest whose work an account took over is that account."""

    id: str
    name: str | None = None
    """As the catalogue has it; null for guests, runs of AI, people of a platform, and whoever was erased."""
    ai: bool
    """Whether this is a run of an AI."""


class RangeView(BaseModel):
    """Units `clock` to `clock + length - 1` of a client, which share everything said here."""

    client: int
    clock: int
    length: int
    author: str | None = None
    """Who wrote them; null where that is not known."""
    relayed_by: str | None = None
    """Who sent them, under the client id of somebody else: who wrote them is not verified."""
    time: int
    """When they came; 0 where that is not known."""
    deleted: int | None = None
    """When they were deleted, 0 where that is not known; null while they are there."""
    deleted_by: str | None = None
    """Who deleted them; null where nobody did, or nobody is known."""


class RangeListing(Listing[RangeView]):
    """One page of ranges, and who is named in it."""

    people: list[AuthorView]


class AmountView(BaseModel):
    """Units that were inserted, and those of them that are still there."""

    inserted: int
    present: int


class ContributionView(AmountView):
    """What one person did. `relayed` is what it sent under client ids of others; it counts as nobody's."""

    author: AuthorView
    relayed: int
    deleted_own: int
    deleted_others: int


class AiView(AmountView):
    """What runs of AI wrote."""

    share: float | None = None
    """Of all units that are there, 0 to 1; null where there are none."""


class ContributionListing(Listing[ContributionView]):
    """One page of people, by id, and sums over all of the material."""

    total: AmountView
    relayed: AmountView
    """Sent under client ids of others: who wrote it is not verified."""
    unattributed: AmountView
    """Of nobody known."""
    ai: AiView
