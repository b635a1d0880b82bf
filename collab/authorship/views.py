"""What an account says, in the forms in which it is asked for. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from operator import attrgetter
from typing import NamedTuple

from collab.authorship.account import Account
from collab.authorship.runs import Mark, Run

BEGIN = (0, 0)
"""Before every unit."""


class Piece(NamedTuple):
    """Neighbouring units of one client that share everything.

    Attributes:
        owner: whose the client id is, "" for nobody known; the units are the author's where these agree.
        deleted: None while they are there.
    """

    client: int
    start: int
    stop: int
    owner: str
    brought: Mark
    deleted: Mark | None


@dataclass(slots=True)
class Contribution:
    """What one person did, in units.

    Attributes:
        inserted: brought as its own; of them `present` are still there.
        relayed: brought under client ids of others; of them `relayed_present` are still there.
        deleted_own, deleted_others: taken away, of its own and of all others.
    """

    inserted: int = 0
    present: int = 0
    relayed: int = 0
    relayed_present: int = 0
    deleted_own: int = 0
    deleted_others: int = 0


def pieces(account: Account, begin: tuple[int, int] = BEGIN) -> Iterator[Piece]:
    """All units from `begin` on, a client and a clock; by client, then clock; as long as can be."""
    for client in account.inserted.clients():
        if client >= begin[0]:
            yield from _pieces(account, client, begin[1] if client == begin[0] else 0)


def contributions(account: Account, persons: Mapping[str, str]) -> dict[str, Contribution]:
    """What each person did; under "" what nobody known did.

    `persons` says who an author is, where that is somebody else: a guest whose work an account took over.
    """
    found: defaultdict[str, Contribution] = defaultdict(Contribution)
    for piece in pieces(account):
        author = persons.get(piece.brought.author, piece.brought.author)
        own = not author or author == persons.get(piece.owner, piece.owner)
        length = piece.stop - piece.start
        _add(found[author], length, own=own, present=piece.deleted is None)
        if piece.deleted is not None and piece.deleted.author:
            by = persons.get(piece.deleted.author, piece.deleted.author)
            if own and by == author:
                found[by].deleted_own += length
            else:
                found[by].deleted_others += length
    return dict(found)


def total(of: Iterable[Contribution]) -> Contribution:
    """The sum of all."""
    return Contribution(*map(sum, zip(*map(astuple, of), strict=True)))


def _add(to: Contribution, length: int, *, own: bool, present: bool) -> None:
    if own:
        to.inserted += length
        to.present += length * present
    else:
        to.relayed += length
        to.relayed_present += length * present


def _pieces(account: Account, client: int, at: int) -> Iterator[Piece]:
    runs, owner = account.inserted.of(client), account.owners.get(client, "")
    deleted = account.deleted.of(client)
    number = _behind(deleted, at)
    for run in runs[_behind(runs, at) :]:
        at = max(at, run.start)
        while at < run.stop:
            while number < len(deleted) and deleted[number].stop <= at:
                number += 1
            stop, mark = _cut(deleted, number, at, run.stop)
            yield Piece(client, at, stop, owner, run.mark, mark)
            at = stop


def _cut(deleted: Sequence[Run], number: int, at: int, stop: int) -> tuple[int, Mark | None]:
    """How far from `at` on units are deleted alike, or all there; `number` is of the first run behind it."""
    if number == len(deleted) or deleted[number].start >= stop:
        return stop, None
    run = deleted[number]
    return (run.start, None) if run.start > at else (min(run.stop, stop), run.mark)


def _behind(runs: Sequence[Run], clock: int) -> int:
    """The number of the first run that ends behind `clock`."""
    return bisect_right(runs, clock, key=attrgetter("stop"))
