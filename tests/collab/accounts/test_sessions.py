"""Signed-in devices: their tokens, copies of them, and how they end."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collab.accounts.access import REFRESH_SECONDS, SHARED_SECONDS, DeviceTokens
from collab.accounts.sessions import Device, Person, SignedIn
from collab.auth.tokens import Guests
from collab.errors import CloseCode, Rejected
from storage.catalog.people_values import User
from tests.collab.accounts.conftest import Clock, School

pytestmark = pytest.mark.anyio

SECRET = b"a secret of this server, long enough"


async def is_signed_in(school: School, signed_in: SignedIn) -> bool:
    try:
        return await school.service.sessions.authenticate(signed_in.access) is not None
    except Rejected as error:
        assert error.code is CloseCode.UNAUTHENTICATED
        return False


async def refused(school: School, token: str) -> bool:
    try:
        await school.service.sessions.refresh(token)
    except Rejected as error:
        assert error.code is CloseCode.UNAUTHENTICATED
        return True
    return False


async def test_an_access_token_tells_who_calls_from_where(school: School) -> None:
    ann = await school.join()
    person = await school.service.sessions.authenticate(ann.access)

    assert isinstance(person, Person)
    assert (person.id, person.name, person.tier, person.guest) == (ann.user.id, "Ann", "free", False)
    assert (person.login.id, person.login.device) == (ann.login, "Firefox")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "\ud800"])
async def test_what_is_no_access_token_names_nobody(school: School, text: str) -> None:
    ann = await school.join()
    _, guest = school.guests.know(None, None)
    for token in (text, ann.refresh, guest):
        assert await school.service.sessions.authenticate(token) is None


async def test_a_refresh_token_is_good_once(school: School, clock: Clock) -> None:
    ann = await school.join()
    clock.now += 1
    second = await school.service.sessions.refresh(ann.refresh)

    assert second.login == ann.login
    assert second.refresh != ann.refresh
    assert await is_signed_in(school, second)
    assert (await school.service.sessions.refresh(second.refresh)).login == ann.login


@pytest.mark.parametrize("generations", [1, 2, 5])
async def test_a_token_that_comes_again_ends_the_login_however_old_it_is(
    school: School, clock: Clock, generations: int
) -> None:
    """Whoever holds the newest one, the thief or the owner, is signed out."""
    stolen = newest = await school.join()
    for _ in range(generations):
        clock.now += 60_000
        newest = await school.service.sessions.refresh(newest.refresh)
    clock.now += 60_000

    assert await refused(school, stolen.refresh)
    assert await refused(school, newest.refresh)
    assert not await is_signed_in(school, newest)
    actions = [one.action for one in await school.catalog.audit.of_actor(stolen.user.id)]
    assert actions.count("login.reused") == 1
    assert school.ended == [stolen.login]


async def test_two_tabs_at_once_do_not_sign_each_other_out(school: School, clock: Clock) -> None:
    ann = await school.join()
    sessions = school.service.sessions
    answers = await asyncio.gather(*(sessions.refresh(ann.refresh) for _ in range(3)), return_exceptions=True)
    renewed = [one for one in answers if isinstance(one, SignedIn)]

    assert len(renewed) == 1
    clock.now += 9_000
    assert await refused(school, ann.refresh)
    assert await is_signed_in(school, renewed[0])
    clock.now += 2_000
    assert await refused(school, ann.refresh)
    assert not await is_signed_in(school, renewed[0])


async def test_a_token_that_was_never_made_ends_nothing(school: School) -> None:
    ann = await school.join()
    forged = DeviceTokens(b"another secret, long enough as well").refresh(ann.login)
    for token in (forged, "", "x" * 10_000, ann.refresh + "x", ann.login, "\ud800"):
        assert await refused(school, token)

    assert await is_signed_in(school, ann)


async def test_a_device_stays_signed_in_while_it_is_used(school: School, clock: Clock) -> None:
    ann = await school.join()
    for _ in range(3):
        clock.now += (REFRESH_SECONDS - 1) * 1000
        ann = await school.service.sessions.refresh(ann.refresh)
    clock.now += REFRESH_SECONDS * 1000

    assert await refused(school, ann.refresh)
    assert not await is_signed_in(school, ann)


async def test_a_shared_computer_is_signed_out_after_hours_however_it_is_used(
    school: School, clock: Clock
) -> None:
    user = (await school.join()).user
    ann = await school.service.sessions.open(user, Device(shared_computer=True))
    clock.now += (SHARED_SECONDS - 1) * 1000
    ann = await school.service.sessions.refresh(ann.refresh)
    clock.now += 1000

    assert await refused(school, ann.refresh)


async def test_devices_are_listed_and_end_one_by_one_or_together(school: School) -> None:
    first = await school.join()
    sessions = school.service.sessions
    others = [await sessions.open(first.user, Device(name)) for name in ("Chrome", "Safari\n\x00", "x" * 900)]
    stranger = await school.join("ben@example.org", "Ben")

    names = {one.device for one in await sessions.devices(first.user.id)}
    assert names == {"Firefox", "Chrome", "Safari", "x" * 200}
    assert not await sessions.end(stranger.user.id, first.login)
    assert await sessions.end(first.user.id, others[0].login)
    assert not await is_signed_in(school, others[0])
    assert await refused(school, others[0].refresh)
    assert await sessions.end_all(first.user.id, but=first.login) == 2
    assert [one.id for one in await sessions.devices(first.user.id)] == [first.login]
    assert sorted(school.ended) == sorted(one.login for one in others)
    assert await is_signed_in(school, stranger)


async def test_a_disabled_account_is_out_at_once(school: School) -> None:
    ann = await school.join()
    await school.catalog.people.set_disabled(ann.user.id, True)

    assert not await is_signed_in(school, ann)
    assert await refused(school, ann.refresh)


async def test_what_expired_long_ago_is_forgotten(school: School, clock: Clock) -> None:
    ann = await school.join()
    clock.now += (REFRESH_SECONDS + 8 * 86400) * 1000
    await school.service.sessions.purge()

    assert await school.catalog.people.login(ann.login) is None


_STEPS = st.lists(st.tuples(st.sampled_from(["refresh", "replay", "wait"]), st.integers(0, 9)), max_size=12)


@given(steps=_STEPS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_only_the_newest_token_of_a_login_without_copies_is_ever_taken(
    school: School, clock: Clock, steps: list[tuple[str, int]]
) -> None:
    user = User("user:1", "Ann", 1)
    await school.catalog.people.add_user(user)
    made = [await school.service.sessions.open(user, Device())]
    alive = True
    for what, which in steps:
        clock.now += 20_000 if what == "wait" else 0
        old = what == "replay" and which < len(made) - 1
        token = made[which if old else -1].refresh
        clock.now += 11_000
        if await refused_or(school, token, made):
            assert old or not alive
            alive = False
        else:
            assert alive
            assert not old


async def refused_or(school: School, token: str, made: list[SignedIn]) -> bool:
    try:
        made.append(await school.service.sessions.refresh(token))
    except Rejected:
        return True
    return False


def test_tokens_of_guests_and_accounts_are_not_taken_for_each_other() -> None:
    tokens = DeviceTokens(SECRET)
    access = tokens.access("user:1", "login")
    _, guest = Guests(SECRET).know(None, None)

    assert Guests(SECRET).read(access) is None
    assert tokens.read(guest) is None
    assert tokens.read(access) is not None
