"""Accounts of documents, brought up to date when somebody asks, and kept in the catalogue."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from collab.authorship.account import AI, Account
from collab.authorship.derive import StandIn, Step, derive
from collab.authorship.encoding import decode, encode
from collab.authorship.source import Source
from collab.authorship.views import Contribution, Piece, contributions, pieces
from collab.document import BIG, EMPTY_UPDATE
from collab.workers import WorkerDied, Workers
from storage.base import ObjectStore, UpdateLog
from storage.continuity import gaps
from storage.errors import Corrupt, Unavailable
from storage.state import join
from storage.values import ZERO, Cursor, Snapshot

if TYPE_CHECKING:
    from storage.catalog.authorship import Derived
    from storage.catalog.catalog import Catalog

_NOTHING = encode(Account())


@dataclass(frozen=True, slots=True)
class Person:
    """Who an author is.

    Attributes:
        id: of the account, where it took over the work of the guest who was the author.
        name: "" where the catalogue has none.
    """

    id: str
    name: str = ""

    @property
    def is_ai(self) -> bool:
        """Whether this is a run of an AI."""
        return self.id.startswith(AI)


NOBODY = Person("")


class Authorship:
    """Who wrote what. Every method raises Unavailable, Corrupt."""

    def __init__(
        self, catalog: "Catalog", update_log: UpdateLog, objects: ObjectStore, workers: Workers | None = None
    ) -> None:
        """Without `workers`, all is done in threads of this process."""
        self._catalog = catalog
        self._log = update_log
        self._source = Source(update_log, objects)
        self._workers = workers
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by material

    async def read(self, material: str) -> Account:
        """The account of a material as of the newest entry. Reads what came since somebody last asked."""
        async with self._turn(material):
            kept, account = await self._kept(material)
            if kept is not None and kept.cursor == (await self._log.state(material)).last:
                return account
            derived = await self._derive(material, kept)
            if kept is None or derived.cursor != kept.cursor:
                await self._catalog.authorship.keep(material, derived)
        return await asyncio.to_thread(decode, derived.data)

    async def ranges(self, material: str, begin: tuple[int, int], count: int) -> list[Piece]:
        """The first `count` pieces from `begin` on, as `pieces`."""
        account = await self.read(material)
        return await asyncio.to_thread(lambda: list(islice(pieces(account, begin), count)))

    async def contributions(self, material: str) -> dict[Person, Contribution]:
        """What each person did; NOBODY stands for whom nobody knows."""
        account = await self.read(material)
        people = await self.people(await asyncio.to_thread(account.authors))
        by_id = {person.id: person for person in people.values()}
        persons = {author: person.id for author, person in people.items()}
        found = await asyncio.to_thread(contributions, account, persons)
        return {by_id.get(id, NOBODY): done for id, done in found.items()}

    async def rebuild(self, material: str) -> bool:
        """Derive the account from nothing; False where its log and history do not reach back that far.

        Then it is only brought up to date: what is kept may know more than can be derived.
        """
        async with self._turn(material):
            kept, _ = await self._kept(material)
            whole = kept is None or await self._is_whole(material)
            derived = await self._derive(material, None if whole else kept)
            await self._catalog.authorship.keep(material, derived)
        return whole

    async def people(self, authors: Collection[str]) -> dict[str, Person]:
        """Who the `authors` are, by author; nobody ("") is left out."""
        table = self._catalog.authorship
        known = await table.people(authors)
        claimers = await table.people([one.claimed_by for one in known.values() if one.claimed_by])
        found = {}
        for author in authors:
            one = known.get(author)
            if one is not None and one.claimed_by:
                one = claimers.get(one.claimed_by, one)
            if author:
                found[author] = Person(author) if one is None else Person(one.id, one.name)
        return found

    def close(self) -> None:
        """End the worker."""
        if self._workers is not None:
            self._workers.close()

    def _turn(self, material: str) -> asyncio.Lock:
        """One at a time derives an account; the others find it done."""
        return self._turns.setdefault(material, asyncio.Lock())

    async def _kept(self, material: str) -> "tuple[Derived | None, Account]":
        kept = await self._catalog.authorship.read(material)
        if kept is not None:
            try:
                return kept, await asyncio.to_thread(decode, kept.data)
            except ValueError:  # of another version
                pass
        return None, Account()

    async def _derive(self, material: str, kept: "Derived | None") -> "Derived":
        """From what is `kept`, where the log still has the entry that it ends at; else from nothing."""
        if kept is not None:
            derived = await self._follow(material, kept.data, kept.cursor)
            if derived is not None:
                return derived
        derived = await self._follow(material, _NOTHING, ZERO)
        assert derived is not None, "everything follows on nothing"
        return derived

    async def _follow(self, material: str, data: bytes, known: Cursor) -> "Derived | None":
        """What `data`, as of `known`, becomes; None where nothing that is stored ends at `known`.

        The log is younger then, or another: its entries may not be those that `data` was derived from.
        """
        from storage.catalog.authorship import Derived  # SQLAlchemy takes 0.3 s to import

        base = await self._source.before(material, known)
        state = EMPTY_UPDATE if base is None else join(list(base.chunks))
        position = ZERO if base is None else base.cursor
        seen = known == position
        async for steps in self._source.steps(material, position):
            cursors = _cursors(steps)
            seen = seen or known in cursors
            if not seen and max(cursors) > known:
                return None
            position = max(position, *cursors)
            data, state = await self._run(material, data, state, steps)
        return Derived(position, data) if seen else None

    async def _run(
        self, material: str, data: bytes, state: bytes, steps: Sequence[Step]
    ) -> tuple[bytes, bytes]:
        size = len(state) + sum(_size(step) for step in steps)
        try:
            if self._workers is None or size <= BIG:
                return await asyncio.to_thread(derive, data, state, steps)
            return await self._workers.run(derive, data, state, steps)
        except ValueError as error:
            raise Corrupt("read authors", material, error) from error
        except WorkerDied as error:
            raise Unavailable("read authors", material, error) from error

    async def _is_whole(self, material: str) -> bool:
        """Whether every entry from the first one on is there, as far as cursors tell."""
        last = ZERO
        async for steps in self._source.steps(material, ZERO):
            entries = [step[0] for step in steps if not isinstance(step, (Snapshot, StandIn))]
            if next(gaps([last, *entries]), None) is not None:
                return False
            last = entries[-1] if entries else last
        return True


def _cursors(steps: Sequence[Step]) -> list[Cursor]:
    """The positions behind steps that are surely taken."""
    taken = [step for step in steps if not isinstance(step, StandIn)]
    return [step.cursor if isinstance(step, Snapshot) else step[0] for step in taken]


def _size(step: Step) -> int:
    """Bytes."""
    if isinstance(step, StandIn):
        return _size(step.snapshot)
    return sum(map(len, step.chunks)) if isinstance(step, Snapshot) else len(step[1])
