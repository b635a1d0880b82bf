"""Passwords: right, wrong, and of nobody."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from collab.accounts.passwords import LONGEST, Passwords, _hash_of_nobody, is_common
from collab.errors import CloseCode, Rejected
from tests.collab.accounts.conftest import PASSWORD, QUICK

pytestmark = pytest.mark.anyio


class Counting(PasswordHasher):
    """Counts what costs time."""

    calls = 0

    def hash(self, *arguments: object, **options: object) -> str:
        self.calls += 1
        return super().hash(*arguments, **options)  # type: ignore[arg-type]

    def verify(self, *arguments: object, **options: object) -> bool:  # type: ignore[override]
        self.calls += 1
        return super().verify(*arguments, **options)  # type: ignore[arg-type]


async def test_only_the_password_matches() -> None:
    passwords = Passwords(QUICK)
    stored = await passwords.hash(PASSWORD)

    assert stored.startswith("$argon2id$")
    assert await passwords.matches(stored, PASSWORD)
    assert not await passwords.matches(stored, PASSWORD + " ")
    assert not await passwords.matches(stored, "")
    assert not await passwords.matches("no hash", PASSWORD)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("password", [PASSWORD, "wrong", "", "x" * 1000, "\ud800"])
async def test_every_check_costs_one_hash_with_and_without_an_account(exists: bool, password: str) -> None:
    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher)
    stored = await passwords.hash(PASSWORD) if exists else None
    before = hasher.calls

    assert await passwords.matches(stored, password) == (exists and password == PASSWORD)
    assert hasher.calls == before + 1


def test_the_hash_of_nobody_costs_what_a_new_one_costs() -> None:
    for hasher in (PasswordHasher(), QUICK):
        nobody = extract_parameters(_hash_of_nobody(hasher))
        assert nobody == extract_parameters(PasswordHasher.from_parameters(nobody).hash("x"))
        assert not hasher.check_needs_rehash(_hash_of_nobody(hasher))


async def test_a_hash_of_other_parameters_is_old() -> None:
    stored = await Passwords(QUICK).hash(PASSWORD)

    assert not Passwords(QUICK).is_old(stored)
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).is_old(stored)


@pytest.mark.parametrize("password", ["", "seven77", "x" * (LONGEST + 1)])
async def test_a_password_of_another_length_is_refused(password: str) -> None:
    with pytest.raises(Rejected, match="characters") as caught:
        await Passwords(QUICK).hash(password)

    assert caught.value.code is CloseCode.MALFORMED


@pytest.mark.parametrize("password", ["password", "PassWord", "baseball1984!", "\uff50assword", "1q2w3e4r"])
async def test_a_password_that_many_people_have_is_refused(password: str) -> None:
    with pytest.raises(Rejected, match="many people") as caught:
        await Passwords(QUICK).hash(password)

    assert (caught.value.code, caught.value.label) == (CloseCode.MALFORMED, "common_password")


@pytest.mark.parametrize("password", [PASSWORD, "# The passwords", "passwords of mine", "12 apples!"])
def test_a_password_of_ones_own_is_not_common(password: str) -> None:
    assert not is_common(password)


async def test_keyboards_that_compose_differently_type_the_same() -> None:
    passwords = Passwords(QUICK)

    assert await passwords.matches(await passwords.hash("Schlu\u0308ssel"), "Schl\u00fcssel")


@given(password=st.text(min_size=8, max_size=LONGEST).filter(lambda password: not is_common(password)))
@settings(max_examples=25)
async def test_every_password_matches_itself(password: str) -> None:
    passwords = Passwords(QUICK)

    assert await passwords.matches(await passwords.hash(password), password)
