"""The open sessions of this node, and what each may do now: a change of access reaches them within 2 seconds.

A notice names what changed. One task asks the catalogue for all sessions of a material at once, again and
again until nothing is due, so that an older answer never comes after a newer one.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from collab.auth.bearer import Bearer
from collab.auth.grants import Grant, Role
from collab.errors import CloseCode, Rejected
from collab.logs import log
from collab.sharing.access import Access, Standing, stand
from collab.sharing.notices import Change, Notices
from collab.sharing.roles import on_the_wire
from storage.catalog.shares import Scope, Visitor
from storage.clock import unix_milliseconds
from storage.errors import StorageError

_BEAT = 0.5  # seconds between two looks at what expires
_LONGEST = 60_000  # milliseconds between two looks at a material: a notice may have been lost
_RETRY = 1.0  # seconds before a catalogue that does not answer is asked again


class Visit:
    """One session at one material.

    Attributes:
        on_change: called when what it may do has changed; `grant` tells what it is now.
    """

    def __init__(self, bearer: Bearer, material: str) -> None:
        self.bearer = bearer
        self.material = material
        self.on_change: Callable[[], None] = lambda: None
        self._standing: Standing | None = None  # None: the token's own grant counts
        self._refusal: Rejected | None = None
        self.is_judged = False

    @property
    def visitor(self) -> Visitor:
        """Who it is, to the catalogue."""
        return Visitor(self.bearer.subject, self.bearer.link, self.bearer.login)

    @property
    def until(self) -> int | None:
        """Unix milliseconds at which its role may change by itself."""
        return None if self._standing is None else self._standing.until

    def grant(self) -> Grant:
        """What it may do now. Raises Rejected: takers too have no business at the socket.

        A test's document holds its answers.
        """
        if self._refusal is not None:
            raise self._refusal
        grant = self._grant()
        if grant is None or grant.role is Role.TAKER:
            raise _forbidden()
        return grant

    def _grant(self) -> Grant | None:
        standing, bearer = self._standing, self.bearer
        if standing is None:
            return bearer.granted
        role = on_the_wire(standing.role, frozen=bool(standing.frozen))
        return Grant(bearer.subject, bearer.name, role, bearer.expires)

    def renew(self, bearer: Bearer) -> None:
        """It goes on under another token of the same person. Raises Rejected for one of another person."""
        if bearer.subject != self.bearer.subject:
            raise Rejected(CloseCode.FORBIDDEN, "the ticket is another person's", "forbidden")
        self.bearer = bearer

    def judge(self, standing: Standing | None, refusal: Rejected | None = None) -> None:
        """It is `standing` from now on, or refused; with neither, its token's own grant counts."""
        before = (self._standing, self._refusal)
        self._standing, self._refusal, self.is_judged = standing, refusal, True
        # Of two refusals only the first is told; the session is closing already.
        if before != (standing, refusal) and before[1] is None:
            try:
                self.on_change()
            except Exception:  # noqa: BLE001 - whatever it was, the other sessions must be told all the same
                log.exception("a session cannot be told", material=self.material, subject=self.bearer.subject)


class Visits:
    """All visits of one node; of the tokens of a `platform`, it alone revokes what it granted."""

    def __init__(self, access: Access, notices: Notices, *, platform: bool) -> None:
        self._access = access
        self._notices = notices
        self._platform = platform
        self._visits: dict[str, set[Visit]] = {}  # by material
        self._tabs: dict[str, str | None] = {}  # of those materials that have an owner
        self._next: dict[str, int] = {}  # when a material is looked at in any case, Unix milliseconds
        self._due: set[str] = set()
        self._wake = asyncio.Event()

    async def enter(self, bearer: Bearer, material: str) -> Visit:
        """A session comes; `leave` must follow. Raises Rejected, and then it has not come."""
        visit = Visit(bearer, material)
        # Known before the catalogue is asked, so that no notice is missed in between.
        self._visits.setdefault(material, set()).add(visit)
        self._next.setdefault(material, unix_milliseconds() + _LONGEST)
        try:
            await self._judge(material, [visit], first=True)
            self._note(visit)
            visit.grant()
        except StorageError as error:
            if bearer.granted is None:
                self.leave(visit)
                raise _unknown() from error
            # What a token grants by itself holds without the catalogue, until that answers.
            self.touch(material)
        except BaseException:
            self.leave(visit)
            raise
        return visit

    def leave(self, visit: Visit) -> None:
        """A session is over. Idempotent."""
        visits = self._visits.get(visit.material, set())
        visits.discard(visit)
        if not visits:
            for known in (self._visits, self._tabs, self._next):
                known.pop(visit.material, None)

    def touch(self, material: str) -> None:
        """Look at the sessions of `material` soon."""
        if material in self._visits:
            self._due.add(material)
            self._wake.set()

    async def run(self) -> None:
        """Keep all sessions level with the catalogue; until cancelled."""
        await self._subscribe()
        self._due.update(self._visits)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await self._wake.wait()
            self._wake.clear()
            now = unix_milliseconds()
            self._due.update(material for material, at in self._next.items() if at <= now)
            await self._look()

    async def _subscribe(self) -> None:
        while True:
            try:
                await self._notices.listen(self._hear)
            except StorageError:
                await asyncio.sleep(_RETRY)
            else:
                return

    def _hear(self, change: Change, target: str) -> None:
        if change is Change.MATERIAL:
            self.touch(target)
        elif change is Change.TAB:
            for material in [one for one, tab in self._tabs.items() if tab == target]:
                self.touch(material)
        else:
            self._hear_of_person(change, target)

    def _hear_of_person(self, change: Change, target: str) -> None:
        for visit in [visit for visits in self._visits.values() for visit in visits]:
            if change is Change.SUBJECT and visit.bearer.subject == target:
                self.touch(visit.material)
            elif change is Change.LOGIN and visit.bearer.login == target:
                visit.judge(None, _signed_out())

    async def _look(self) -> None:
        """Ask for everything that is due; what becomes due meanwhile too."""
        while self._due:
            material = self._due.pop()
            visits = list(self._visits.get(material, ()))
            if not visits:
                continue
            try:
                await self._judge(material, visits)
            except StorageError as error:
                log.warning("access cannot be looked up", material=material, error=str(error))
                self._expire(visits)
                self._due.add(material)
                await asyncio.sleep(_RETRY)
                continue
            self._next[material] = unix_milliseconds() + _LONGEST
            for visit in visits:
                self._note(visit)

    def _expire(self, visits: list[Visit]) -> None:
        """What has expired holds no longer, though nobody can tell now what is left: they may try again."""
        now = unix_milliseconds()
        for visit in visits:
            if visit.until is not None and visit.until <= now:
                visit.judge(None, _unknown())

    def _note(self, visit: Visit) -> None:
        if visit.until is not None and visit.material in self._next:
            self._next[visit.material] = min(self._next[visit.material], visit.until)

    async def _judge(self, material: str, visits: Iterable[Visit], *, first: bool = False) -> None:
        """Ask the catalogue about `visits`. Raises StorageError.

        On the `first` time the answer is dropped where a later one has come already.
        """
        judge = self._by_platform if self._platform else self._by_place
        for visit, standing, refusal in await judge(material, list(visits)):
            if not (first and visit.is_judged):
                visit.judge(standing, refusal)

    async def _by_platform(self, material: str, visits: list[Visit]) -> list["_Verdict"]:
        revoked = await self._access.revoked([visit.bearer.subject for visit in visits], material)
        verdicts: list[_Verdict] = []
        for visit in visits:
            is_over = visit.bearer.issued <= revoked.get(visit.bearer.subject, -1)
            verdicts.append((visit, None, _forbidden() if is_over else None))
        return verdicts

    async def _by_place(self, material: str, visits: list[Visit]) -> list["_Verdict"]:
        visitors = [visit.visitor for visit in visits]
        place = await self._access.place(Scope.MATERIAL, material, visitors)
        if place is None:
            self._tabs.pop(material, None)
            return [(visit, None, None) for visit in visits]
        if material in self._visits:
            self._tabs[material] = place.tab
        verdicts: list[_Verdict] = []
        for visit, visitor in zip(visits, visitors, strict=True):
            standing = stand(place, visitor)
            if visitor.login and visitor.login not in place.logins:
                verdicts.append((visit, None, _signed_out()))
            elif standing is None or standing.trashed:
                verdicts.append((visit, None, _forbidden()))
            else:
                verdicts.append((visit, standing, None))
        return verdicts


_Verdict = tuple[Visit, Standing | None, Rejected | None]


def _forbidden() -> Rejected:
    return Rejected(CloseCode.FORBIDDEN, "you have no access to this material", "forbidden")


def _unknown() -> Rejected:
    return Rejected(CloseCode.UNAVAILABLE, "access cannot be looked up now", "no_catalog")


def _signed_out() -> Rejected:
    return Rejected(CloseCode.UNAUTHENTICATED, "you have signed out", "signed_out")
