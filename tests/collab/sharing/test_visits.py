"""Open sessions follow the catalogue, whatever order answers and notices come in. In memory."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest

from collab.auth.bearer import Bearer
from collab.auth.grants import Grant, Role
from collab.errors import CloseCode, Rejected
from collab.sharing import visits as visits_module
from collab.sharing.access import Access
from collab.sharing.notices import Change, Notices
from collab.sharing.visits import Visit, Visits
from storage.catalog.shares import Held, Place, Scope, Visitor
from storage.clock import unix_milliseconds
from storage.errors import Unavailable
from storage.local_bus import LocalBus
from tests.collab.cluster import until

pytestmark = pytest.mark.anyio


class Book(Access):
    """An Access whose answers a test sets, holds back and counts."""

    def __init__(self) -> None:
        super().__init__(None)
        self.roles: dict[str, str] = {}
        self.expires: int | None = None
        self.owner: str | None = "ann"
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()
        self.away = False

    async def place(self, scope: Scope, target: str, visitors: Collection[Visitor]) -> Place | None:
        self.asked += 1
        if self.owner is None:
            found = None
        else:
            users = {who: [Held(role, self.expires)] for who, role in self.roles.items()}
            found = Place(self.owner, "t", False, "", users, {}, set(), set(), set())
        gate = self.open  # of this question
        await gate.wait()
        if self.away:
            raise Unavailable("read access", "catalogue", "it is away")
        return found


def bearer(subject: str, granted: Role | None = None) -> Bearer:
    grant = None if granted is None else Grant(subject, subject, granted)
    return Bearer(subject, subject, "", "", None, 0, grant)


@asynccontextmanager
async def watching(book: Book, bus: LocalBus | None = None) -> AsyncIterator[tuple[Visits, Notices]]:
    notices = Notices(bus or LocalBus())
    visits = Visits(book, notices, platform=False)
    task = asyncio.create_task(visits.run())
    await asyncio.sleep(0)
    yield visits, notices
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def role(visit: Visit) -> Role | None:
    try:
        return visit.grant().role
    except Rejected:
        return None


@pytest.fixture
def book() -> Book:
    book = Book()
    book.roles["bob"] = "editor"
    return book


async def test_an_answer_that_comes_after_a_newer_one_is_dropped(book: Book) -> None:
    """Bob enters; while the catalogue is slow to answer, his role goes, and that is answered at once."""
    async with watching(book) as (visits, notices):
        slow, quick = asyncio.Event(), book.open
        book.open = slow
        entering = asyncio.create_task(visits.enter(bearer("bob"), "m"))
        await until(lambda: book.asked == 1)
        book.open = quick
        book.roles.clear()
        notices.tell(Change.MATERIAL, "m")
        await until(lambda: book.asked == 2)
        await asyncio.sleep(0.01)
        slow.set()
        with pytest.raises(Rejected):
            await entering


async def test_a_notice_during_an_answer_leads_to_another_question(book: Book) -> None:
    async with watching(book) as (visits, notices):
        visit = await visits.enter(bearer("bob"), "m")
        book.open.clear()
        book.roles["bob"] = "viewer"
        notices.tell(Change.MATERIAL, "m")
        await until(lambda: book.asked == 2)
        book.roles["bob"] = "commenter"
        notices.tell(Change.MATERIAL, "m")
        book.open.set()
        await until(lambda: role(visit) is Role.COMMENTER)


@pytest.mark.parametrize(
    ("change", "target"),
    [(Change.MATERIAL, "m"), (Change.TAB, "t"), (Change.SUBJECT, "bob")],
)
async def test_a_notice_reaches_those_whom_it_concerns_on_another_node(
    book: Book, change: Change, target: str
) -> None:
    bus = LocalBus()
    async with watching(book, bus.of_node("b")) as (visits, _):
        visit = await visits.enter(bearer("bob"), "m")
        told: list[Role | None] = []
        visit.on_change = lambda: told.append(role(visit))
        other = Notices(bus.of_node("a"))
        book.roles["bob"] = "viewer"
        for one in Change:
            other.tell(one, "somebody else")
        await asyncio.sleep(0.01)
        assert book.asked == 1
        other.tell(change, target)
        await until(lambda: bool(told))
        assert told == [Role.VIEWER]


async def test_a_session_that_cannot_be_told_takes_nobody_with_it(book: Book) -> None:
    def fail() -> None:
        raise RuntimeError("this session is broken")

    async with watching(book) as (visits, notices):
        for _ in range(2):
            visit = await visits.enter(bearer("bob"), "m")
            visit.on_change = fail
        told: list[int] = []
        whole = await visits.enter(bearer("bob"), "m")
        whole.on_change = lambda: told.append(1)
        for role_now in ("viewer", "editor"):
            book.roles["bob"] = role_now
            notices.tell(Change.MATERIAL, "m")
            await until(lambda: role(whole) == role_now)  # noqa: B023
        assert told == [1, 1]


async def test_what_did_not_change_is_not_told(book: Book) -> None:
    async with watching(book) as (visits, notices):
        visit = await visits.enter(bearer("bob"), "m")
        told: list[int] = []
        visit.on_change = lambda: told.append(1)
        notices.tell(Change.MATERIAL, "m")
        await until(lambda: book.asked == 2)
        await asyncio.sleep(0.01)
        assert told == []


async def test_a_lost_notice_is_made_up_for(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits_module, "_LONGEST", 1)
    monkeypatch.setattr(visits_module, "_BEAT", 0.001)
    async with watching(book) as (visits, _):
        visit = await visits.enter(bearer("bob"), "m")
        book.roles["bob"] = "viewer"
        await until(lambda: role(visit) is Role.VIEWER)


async def test_a_catalogue_that_is_away_is_asked_until_it_answers(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits_module, "_RETRY", 0.001)
    async with watching(book) as (visits, notices):
        visit = await visits.enter(bearer("bob"), "m")
        book.away = True
        book.roles["bob"] = "viewer"
        notices.tell(Change.MATERIAL, "m")
        await until(lambda: book.asked > 3)
        assert role(visit) is Role.EDITOR
        book.away = False
        await until(lambda: role(visit) is Role.VIEWER)


async def test_what_expires_while_the_catalogue_is_away_holds_no_longer(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_RETRY", "_BEAT"):
        monkeypatch.setattr(visits_module, name, 0.001)
    async with watching(book) as (visits, _):
        book.expires = unix_milliseconds() + 50
        visit = await visits.enter(bearer("bob"), "m")
        assert role(visit) is Role.EDITOR
        book.away = True
        await until(lambda: role(visit) is None)
        with pytest.raises(Rejected) as refused:
            visit.grant()
        assert refused.value.code is CloseCode.UNAVAILABLE, "it may come back"


async def test_what_was_let_in_by_its_token_alone_is_judged_when_the_catalogue_is_back(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits_module, "_RETRY", 0.001)
    async with watching(book) as (visits, _):
        book.away = True
        visit = await visits.enter(bearer("eve", Role.EDITOR), "m")
        assert role(visit) is Role.EDITOR
        book.away = False
        await until(lambda: role(visit) is None)


async def test_a_material_that_gets_an_owner_takes_no_more_of_what_tokens_grant(book: Book) -> None:
    async with watching(book) as (visits, notices):
        book.owner = None
        visit = await visits.enter(bearer("eve", Role.EDITOR), "m")
        assert role(visit) is Role.EDITOR
        book.owner = "ann"
        notices.tell(Change.MATERIAL, "m")
        await until(lambda: role(visit) is None)


async def test_a_login_that_ends_ends_its_sessions_and_no_others(book: Book) -> None:
    async with watching(book) as (visits, notices):
        book.owner = None
        granted = Grant("bob", "", Role.EDITOR)
        phone = await visits.enter(Bearer("bob", "", "", "phone", None, 0, granted), "m")
        laptop = await visits.enter(Bearer("bob", "", "", "laptop", None, 0, granted), "m")
        notices.tell(Change.LOGIN, "phone")
        assert role(phone) is None
        assert role(laptop) is Role.EDITOR


async def test_who_is_refused_and_who_has_left_is_forgotten(book: Book) -> None:
    async with watching(book) as (visits, notices):
        with pytest.raises(Rejected):
            await visits.enter(bearer("eve"), "m")
        visit = await visits.enter(bearer("bob"), "m")
        visits.leave(visit)
        visits.leave(visit)
        assert (visits._visits, visits._tabs, visits._next) == ({}, {}, {})
        asked = book.asked
        notices.tell(Change.MATERIAL, "m")
        await asyncio.sleep(0.01)
        assert book.asked == asked
