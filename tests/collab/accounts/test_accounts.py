"""Accounts as people meet them: made, forgotten, changed, taken along and erased."""

import asyncio
import json
import time

import pyotp
import pytest

from collab.accounts.sessions import Person, SignedIn
from collab.accounts.users import add_user
from collab.auth.rates import TooOften
from collab.errors import CloseCode, Rejected
from tests.collab.accounts.conftest import DEVICE, EMAIL, PASSWORD, Clock, School

pytestmark = pytest.mark.anyio

NEW = "battery staple"


async def sign_in(
    school: School, password: str = PASSWORD, code: str | None = None, email: str = EMAIL
) -> SignedIn:
    return await school.service.accounts.sign_in(email, password, code, DEVICE)


async def person(school: School, signed_in: SignedIn) -> Person:
    found = await school.service.sessions.authenticate(signed_in.access)
    assert found is not None
    return found


async def test_who_reads_the_mail_makes_the_account(school: School) -> None:
    ann = await school.join("Ann@Example.org", " Ann\n O'Neill ")

    assert school.mailbox.mails[0].to == EMAIL
    assert (ann.user.name, ann.user.email, ann.user.email_verified) == ("Ann O'Neill", EMAIL, True)
    assert (await sign_in(school, email="ANN@example.org")).user.id == ann.user.id


async def test_a_mailed_link_makes_one_account(school: School) -> None:
    await school.join()
    token = school.mailbox.token()
    with pytest.raises(Rejected, match="used or has expired"):
        await school.service.accounts.create(token, "Eve", NEW, DEVICE)


async def test_a_link_clicked_twice_at_once_makes_one_account(school: School) -> None:
    await school.service.accounts.register(EMAIL, "")
    await school.settle()
    token = school.mailbox.token()
    made = await asyncio.gather(
        *(school.service.accounts.create(token, "Ann", PASSWORD, DEVICE) for _ in range(3)),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in made) == ["Rejected", "Rejected", "SignedIn"]


async def test_a_bad_password_or_name_does_not_use_up_the_link(school: School) -> None:
    await school.service.accounts.register(EMAIL, "")
    await school.settle()
    token = school.mailbox.token()
    for name, password in (("Ann", "short"), ("\u202e", PASSWORD), ("", PASSWORD)):
        with pytest.raises(Rejected) as caught:
            await school.service.accounts.create(token, name, password, DEVICE)
        assert caught.value.code is CloseCode.MALFORMED

    assert (await school.service.accounts.create(token, "Ann", PASSWORD, DEVICE)).user.email == EMAIL


async def test_a_link_is_good_for_a_day(school: School, clock: Clock) -> None:
    await school.service.accounts.register(EMAIL, "")
    await school.settle()
    clock.now += 86_400_000
    with pytest.raises(Rejected, match="expired"):
        await school.service.accounts.create(school.mailbox.token(), "Ann", PASSWORD, DEVICE)


async def test_registering_and_forgetting_look_the_same_with_and_without_an_account(school: School) -> None:
    """Only the mailbox knows; and a stranger's password is not taken for an address that is not theirs."""
    await school.join()
    await school.service.accounts.register(EMAIL, "")
    await school.service.accounts.forgot_password("nobody@example.org", "")
    await school.settle()

    assert [one.to for one in school.mailbox.mails] == [EMAIL, EMAIL]
    assert "have one already" in school.mailbox.mails[1].text
    assert "#token=" not in school.mailbox.mails[1].text


async def test_wrong_and_absent_look_the_same_and_cost_one_hash_each(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await school.join()
    await school.join("off@example.org")
    await school.catalog.people.set_disabled((await sign_in(school, email="off@example.org")).user.id, True)
    passwords = school.service.factors.passwords
    calls: list[str] = []
    verify = passwords._verify
    monkeypatch.setattr(
        passwords, "_verify", lambda stored, given: (calls.append(stored), verify(stored, given))[1]
    )
    refusals = set()
    cases = [(EMAIL, "wrong"), ("nobody@example.org", PASSWORD), ("off@example.org", PASSWORD)]
    for email, password in cases:
        with pytest.raises(Rejected) as caught:
            await sign_in(school, password, email=email)
        refusals.add((caught.value.code, caught.value.reason, caught.value.label))

    assert len(refusals) == 1
    assert len(calls) == len(cases)
    assert ann.user.password in calls


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_who_guesses_has_to_wait_whether_there_is_an_account_or_not(school: School, email: str) -> None:
    await school.join()
    answers = []
    for _ in range(8):
        with pytest.raises(Rejected) as caught:
            await sign_in(school, "wrong", email=email)
        answers.append(type(caught.value))

    assert answers == [Rejected] * 5 + [TooOften] * 3
    assert (await school.join("ben@example.org")).user.email == "ben@example.org"


async def test_a_class_behind_one_address_signs_in(school: School) -> None:
    """Right passwords do not count, however many come from one address."""
    await school.join()
    for _ in range(1100):
        school.service.factors._addresses.spend(DEVICE.address)
        school.service.factors._addresses.refund(DEVICE.address)

    assert (await sign_in(school)).user.email == EMAIL


async def test_a_hash_of_old_parameters_is_replaced_at_the_next_sign_in(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await school.join()
    monkeypatch.setattr(
        school.service.factors.passwords, "is_old", lambda stored: stored == ann.user.password
    )
    await sign_in(school)
    user = await school.catalog.people.user(ann.user.id)

    assert user is not None
    assert user.password != ann.user.password
    assert await sign_in(school)


async def test_another_password_signs_other_devices_out(school: School) -> None:
    first = await school.join()
    other = await sign_in(school)
    with pytest.raises(Rejected, match="wrong password"):
        await school.service.accounts.change_password(await person(school, first), "wrong", NEW)
    await school.service.accounts.change_password(await person(school, first), PASSWORD, NEW)
    await school.settle()

    assert await school.service.sessions.authenticate(first.access)
    with pytest.raises(Rejected):
        await school.service.sessions.authenticate(other.access)
    with pytest.raises(Rejected):
        await sign_in(school)
    assert await sign_in(school, NEW)
    assert "password was changed" in school.mailbox.mails[-1].text


async def test_a_forgotten_password_is_reset_by_mail_and_signs_everything_out(school: School) -> None:
    ann = await school.join()
    for _ in range(5):
        with pytest.raises(Rejected):
            await sign_in(school, "wrong")
    await school.service.accounts.forgot_password(EMAIL, "")
    await school.settle()
    token = school.mailbox.token()
    with pytest.raises(Rejected, match="characters"):
        await school.service.accounts.reset_password(token, "short")
    await school.service.accounts.reset_password(token, NEW)

    with pytest.raises(Rejected):
        await school.service.sessions.authenticate(ann.access)
    with pytest.raises(Rejected, match="used or has expired"):
        await school.service.accounts.reset_password(token, PASSWORD)
    assert await sign_in(school, NEW)  # and nobody has to wait


async def test_a_link_to_reset_is_no_link_to_verify(school: School) -> None:
    await school.join()
    await school.service.accounts.forgot_password(EMAIL, "")
    await school.settle()
    token = school.mailbox.token()
    for attempt in (
        school.service.accounts.create(token, "Eve", NEW, DEVICE),
        school.service.accounts.confirm_email(token),
    ):
        with pytest.raises(Rejected, match="used or has expired"):
            await attempt


async def test_one_mailbox_gets_few_mails(school: School) -> None:
    for _ in range(3):
        await school.service.accounts.forgot_password("nobody@example.org", "")
    with pytest.raises(TooOften):
        await school.service.accounts.forgot_password("nobody@example.org", "")


async def test_another_address_counts_once_its_mail_was_read(school: School) -> None:
    ann = await school.join()
    accounts, caller = school.service.accounts, await person(school, ann)
    with pytest.raises(Rejected, match="wrong password"):
        await accounts.change_email(caller, "new@example.org", "wrong", "")
    await accounts.change_email(caller, "new@example.org", PASSWORD, "")
    await school.settle()
    token = school.mailbox.token()
    assert await sign_in(school)
    with pytest.raises(Rejected, match="used or has expired"):
        await accounts.create(token, "Eve", NEW, DEVICE)  # it makes no second account
    await accounts.confirm_email(token)
    await school.settle()

    assert await sign_in(school, email="new@example.org")
    with pytest.raises(Rejected):
        await sign_in(school)
    assert (school.mailbox.mails[-1].to, school.mailbox.mails[-2].to) == (EMAIL, "new@example.org")


async def test_a_second_factor_is_asked_for_and_no_code_counts_twice(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await school.join()
    factors, caller = school.service.factors, await person(school, ann)
    secret, _ = await factors.begin_totp(caller.user, PASSWORD)
    now = 1_795_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    app = pyotp.TOTP(secret)
    caller = await person(school, await sign_in(school))  # not on yet
    with pytest.raises(Rejected, match="wrong code"):
        await factors.confirm_totp(caller.user, "000000" if app.at(now) != "000000" else "111111")
    codes = await factors.confirm_totp(caller.user, app.at(now))

    async def label(code: str | None) -> str:
        try:
            await sign_in(school, code=code)
        except Rejected as error:
            assert error.code is CloseCode.UNAUTHENTICATED
            return error.label
        return "in"

    assert await label(None) == "code_needed"
    assert await label(app.at(now)) == "code"  # it confirmed already
    assert await label(app.at(now + 30)) == "in"
    assert await label(app.at(now + 30)) == "code"
    assert await label(codes[0]) == "in"
    assert await label(codes[0]) == "code"
    assert await label(codes[1].upper()) == "in"
    await school.service.accounts.forgot_password(EMAIL, "")
    await school.settle()
    await school.service.accounts.reset_password(school.mailbox.token(), NEW)
    with pytest.raises(Rejected, match="code of your app"):
        await sign_in(school, NEW)
    caller = await person(school, await sign_in(school, NEW, codes[2]))
    with pytest.raises(Rejected, match="wrong password"):
        await factors.end_totp(caller.user, PASSWORD)
    await factors.end_totp(caller.user, NEW)
    assert await sign_in(school, NEW)


async def test_a_second_factor_needs_the_password(school: School) -> None:
    """A device that was left open does not lock its owner out; and an issuer has factors of its own."""
    ann = await school.join()
    with pytest.raises(Rejected, match="wrong password"):
        await school.service.factors.begin_totp(ann.user, "wrong")
    bare = await add_user(school.catalog.people, school.catalog.audit, "Ben", None, None)
    with pytest.raises(Rejected, match="set a password first"):
        await school.service.factors.begin_totp(bare, "")


async def test_codes_cannot_be_tried_one_after_the_other(school: School) -> None:
    ann = await school.join()
    factors = school.service.factors
    secret, _ = await factors.begin_totp(ann.user, PASSWORD)
    user = (await person(school, ann)).user
    await factors.confirm_totp(user, pyotp.TOTP(secret).now())
    answers = []
    for n in range(7):
        with pytest.raises(Rejected) as caught:
            await sign_in(school, code=f"x{n:05}")
        answers.append(caught.value.label)

    assert answers == ["code"] * 5 + ["throttled"] * 2


async def test_an_export_has_everything_but_secrets(school: School) -> None:
    ann = await school.join()
    _, token = school.guests.know(None, "Ann on the bus")
    await school.service.claims.claim(ann.user, token)
    secret, _ = await school.service.factors.begin_totp(ann.user, PASSWORD)
    caller = await person(school, ann)
    exported = json.dumps(await school.service.accounts.export(caller.user))

    for present in (EMAIL, "Ann on the bus", "Firefox", "account.create", "login.open", "guest.claim"):
        assert present in exported
    assert caller.user.password is not None
    for absent in (caller.user.password, secret, ann.refresh, "argon2", "previous"):
        assert absent not in exported


async def test_an_erased_account_is_gone_and_its_address_free(school: School) -> None:
    ann = await school.join()
    caller = await person(school, ann)
    with pytest.raises(Rejected, match="wrong password"):
        await school.service.accounts.prove(caller, None)
    await school.service.accounts.prove(caller, PASSWORD)
    await school.service.accounts.erase(caller)

    assert school.ended == [ann.login]
    with pytest.raises(Rejected):
        await school.service.sessions.authenticate(ann.access)
    with pytest.raises(Rejected):
        await sign_in(school)
    assert EMAIL not in repr([page async for page in school.catalog.export()])
    again = await school.join()
    assert again.user.id != ann.user.id


async def test_who_has_no_password_proves_it_by_a_fresh_sign_in(school: School, clock: Clock) -> None:
    people, audit = school.catalog.people, school.catalog.audit
    user = await add_user(people, audit, "Ann", None, None)
    caller = await person(school, await school.service.sessions.open(user, DEVICE))
    clock.now += 600_000
    await school.service.accounts.prove(caller, None)
    clock.now += 1
    with pytest.raises(Rejected, match="sign in anew"):
        await school.service.accounts.prove(caller, "")


async def test_a_guests_work_is_claimed_by_one_account(school: School) -> None:
    ann, ben = await school.join(), await school.join("ben@example.org", "Ben")
    guest, token = school.guests.know(None, "Ann on the bus")
    claimed = await school.service.claims.claim(ann.user, token)

    assert (claimed.id, claimed.name) == (guest.id, "Ann on the bus")
    assert await school.service.claims.claim(ann.user, token)
    with pytest.raises(Rejected, match="another account"):
        await school.service.claims.claim(ben.user, token)
    for forged in ("", "x", ann.access):
        with pytest.raises(Rejected, match="no guest's token"):
            await school.service.claims.claim(ben.user, forged)
