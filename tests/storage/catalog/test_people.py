"""People and their devices, on both databases."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from storage.catalog import upgrade
from storage.catalog.catalog import Catalog
from storage.catalog.database import Database
from storage.catalog.people import People
from storage.catalog.people_values import Identity, Login, MailToken, Purpose, User
from tests.storage.catalog.places import Place

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

ANN = User("u1", "Ann", 1, email="ann@example.org", email_verified=True, password="argon2 text")
BEN = User("u2", "Ben", 2, email="ben@example.org")
LOGIN = Login("l1", "u1", 1, 1, 1000, b"first", device="Firefox")


@pytest.fixture
async def people(catalog: Catalog) -> People:
    await catalog.people.add_user(ANN)
    return catalog.people


async def test_a_user_comes_back_as_it_was(people: People) -> None:
    rich = User(
        "ü", "A\u202e😀", 2**62, "x@é.org", True, "p", b"\x00s", True, 7, "premium", False, None, True, 5
    )
    await people.add_user(rich)

    assert await people.user("ü") == rich
    assert await people.user_by_email("ann@example.org") == ANN
    assert await people.user("absent") is None
    assert await people.user_by_email("\0") is None


async def test_an_address_and_an_id_have_one_user(people: People) -> None:
    assert not await people.add_user(replace(BEN, email=ANN.email))
    assert not await people.add_user(replace(BEN, id=ANN.id))
    assert await people.add_user(BEN)
    assert not await people.set_email(BEN.id, "ann@example.org")
    assert await people.set_email(BEN.id, "new@example.org")

    assert await people.user(BEN.id) == replace(BEN, email="new@example.org", email_verified=True)


async def test_many_may_have_no_address(people: People) -> None:
    assert await people.add_user(User("a", "", 1))
    assert await people.add_user(User("b", "", 1))


async def test_what_cannot_be_stored_is_refused_before_it_is_tried() -> None:
    with pytest.raises(ValueError, match="name of a user"):
        User("u", "\0", 1)
    with pytest.raises(ValueError, match="device of a login"):
        replace(LOGIN, device="\ud800")


async def test_a_user_is_changed_field_by_field(people: People) -> None:
    await people.rename("u1", "Anna")
    await people.set_password("u1", "other")
    await people.set_tier("u1", "premium")
    await people.set_disabled("u1", True)

    changed = replace(ANN, name="Anna", password="other", tier="premium", disabled=True)
    assert await people.user("u1") == changed
    assert not changed.active


async def test_a_guest_is_claimed_once_with_what_it_owns(people: People, catalog: Catalog) -> None:
    guest = User("guest:1", "Guest 1", 5, guest=True)
    await people.add_user(BEN)

    assert await people.claim(guest, "u1")
    assert await people.claim(guest, "u1")
    assert not await people.claim(guest, "u2")
    assert not await people.claim(replace(ANN, guest=True), "u2")
    assert await people.guests_of("u1") == [replace(guest, claimed_by="u1")]
    assert (await people.user("u1")) == ANN


async def test_no_time_step_counts_twice(people: People) -> None:
    assert await people.begin_totp("u1", b"secret")
    assert await people.confirm_totp("u1", 10, [b"a", b"b"])
    assert not await people.confirm_totp("u1", 11, [b"c"])
    assert not await people.begin_totp("u1", b"other")
    assert [await people.take_totp_step("u1", step) for step in (10, 11, 11, 10, 12)] == [
        False,
        True,
        False,
        False,
        True,
    ]


async def test_one_code_used_at_once_counts_once(people: People) -> None:
    await people.begin_totp("u1", b"secret")
    await people.confirm_totp("u1", 1, [b"a", b"b"])
    steps = await asyncio.gather(*(people.take_totp_step("u1", 2) for _ in range(5)))
    codes = await asyncio.gather(*(people.take_recovery_code("u1", b"a") for _ in range(5)))

    assert sorted(steps) == sorted(codes) == [False] * 4 + [True]
    assert not await people.take_recovery_code("u2", b"b")


async def test_a_second_factor_that_ends_leaves_no_codes(people: People) -> None:
    await people.begin_totp("u1", b"secret")
    await people.confirm_totp("u1", 1, [b"a"])
    await people.end_totp("u1")

    assert not await people.take_recovery_code("u1", b"a")
    assert (await people.user("u1")) == replace(ANN, totp_step=1)


async def test_a_subject_is_one_user(people: People) -> None:
    identity = Identity("https://issuer", "s", "u1", 1)

    assert await people.add_identity(identity)
    assert not await people.add_identity(replace(identity, user="u2"))
    assert await people.identity("https://issuer", "s") == identity
    assert await people.identity("https://other", "s") is None
    assert await people.identities("u1") == [identity]
    assert not await people.remove_identity("u2", "https://issuer")
    assert await people.remove_identity("u1", "https://issuer")
    assert await people.identities("u1") == []


async def test_only_the_present_token_of_a_live_login_is_replaced(people: People) -> None:
    await people.add_login(LOGIN)

    assert not await people.rotate("l1", b"other", b"second", 5, 2000)
    assert await people.rotate("l1", b"first", b"second", 5, 2000)
    assert await people.login("l1") == replace(
        LOGIN, refresh=b"second", previous=b"first", seen=5, expires=2000
    )
    assert not await people.rotate("l1", b"second", b"third", 2000, 3000)
    await people.revoke_login("u1", "l1", 6)
    assert not await people.rotate("l1", b"second", b"third", 7, 3000)


async def test_a_token_used_twice_at_once_is_replaced_once(people: People) -> None:
    await people.add_login(LOGIN)
    done = await asyncio.gather(*(people.rotate("l1", b"first", b"%d" % n, 5, 2000) for n in range(5)))

    assert sorted(done) == [False] * 4 + [True]


async def test_devices_are_listed_and_signed_out(people: People) -> None:
    for n in range(4):
        login = replace(LOGIN, id=f"l{n}", refresh=b"%d" % n, seen=n, user="u2" if n == 3 else "u1")
        await people.add_login(login)

    assert [one.id for one in await people.logins("u1", 10)] == ["l2", "l1", "l0"]
    assert await people.logins("u1", 1000) == []
    assert not await people.revoke_login("u1", "l3", 9)
    assert await people.revoke_login("u1", "l1", 9)
    assert not await people.revoke_login("u1", "l1", 10)
    assert await people.revoke_logins("u1", 9, but="l2") == ["l0"]
    assert [one.id for one in await people.logins("u1", 10)] == ["l2"]


async def test_a_device_comes_with_its_user(people: People) -> None:
    await people.add_login(LOGIN)
    await people.add_login(replace(LOGIN, id="stray", user="absent", refresh=b"x"))

    assert await people.session("l1") == (ANN, LOGIN)
    assert await people.session("stray") is None
    assert await people.session("absent") is None


async def test_a_mailed_link_is_good_once_for_its_purpose_until_it_expires(people: People) -> None:
    token = MailToken(b"h", "u1", "reset", "ann@example.org", 100)
    await people.add_mail_token(token)

    assert await people.mail_token(b"h", Purpose.VERIFY, 50) is None
    assert await people.mail_token(b"h", Purpose.RESET, 100) is None
    assert await people.mail_token(b"h", Purpose.RESET, 50) == token
    assert await people.take_mail_token(b"h", Purpose.RESET, 50)
    assert not await people.take_mail_token(b"h", Purpose.RESET, 51)
    assert await people.mail_token(b"h", Purpose.RESET, 52) is None


async def test_links_of_a_purpose_are_forgotten_together(people: People) -> None:
    for hash, purpose in ((b"a", "reset"), (b"b", "verify")):
        await people.add_mail_token(MailToken(hash, "u1", purpose, "", 100))
    await people.forget_mail_tokens("u1", Purpose.RESET)

    assert not await people.take_mail_token(b"a", Purpose.RESET, 1)
    assert await people.take_mail_token(b"b", Purpose.VERIFY, 1)


async def test_what_has_expired_is_purged(people: People) -> None:
    await people.add_mail_token(MailToken(b"a", "u1", "reset", "", 100))
    await people.add_login(LOGIN)

    assert await people.purge(100) == 0
    assert await people.purge(1001) == 2
    assert await people.login("l1") is None


async def test_an_erased_user_leaves_an_id_and_nothing_else(people: People, catalog: Catalog) -> None:
    await people.add_user(BEN)
    await people.claim(User("guest:1", "Ann on the bus", 5, guest=True), "u1")
    await people.add_identity(Identity("https://issuer", "subject", "u1", 1))
    await people.add_login(LOGIN)
    await people.add_mail_token(MailToken(b"a", "u1", "reset", "new@example.org", 100))
    await people.add_mail_token(MailToken(b"b", "", "verify", "ann@example.org", 100, used=5))
    await people.begin_totp("u1", b"known by the app")
    await people.confirm_totp("u1", 1, [b"code"])
    await people.erase("u1", 99)

    assert await people.user("u1") == User("u1", "", 1, totp_step=1, disabled=True, erased=99)
    rest = repr([page async for page in catalog.export()])
    for trace in ("Ann", "ann@", "new@", "subject", "Firefox", "argon2", "by the app", "code"):
        assert trace not in rest
    assert await people.user_by_email("ben@example.org") == BEN


async def test_materials_of_before_are_as_new_as_they_were_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(place, 5)
    await database.create()
    with monkeypatch.context() as patch:
        patch.setattr(upgrade, "HEAD", "0001")
        async with database.alone("make old tables") as connection:
            await connection.run_sync(upgrade.upgrade, "old", None)
            await connection.execute(
                text("INSERT INTO materials (id, title, created, created_by) VALUES ('a', 'Cells', 7, '')")
            )
    await database.close()
    catalog = Catalog(place)
    await catalog.start()
    [rows] = [rows async for name, rows in catalog.export() if name == "materials"]
    await catalog.close()

    assert (rows[0]["title"], rows[0]["changed"], rows[0]["owner"], rows[0]["frozen"]) == (
        "Cells",
        7,
        None,
        "",
    )
