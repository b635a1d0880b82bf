"""How often one address may come without a valid token."""

from typing import Any

import pytest
from limits.aio.storage import MemoryStorage

from collab.auth.rates import Rates, TooOften, Unknown
from collab.errors import CloseCode
from collab.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = b"a secret of the server, long enough"
STUDENTS = 1000


def rates(storage: MemoryStorage | None = None, **settings: Any) -> Rates:
    return Rates(Settings(**settings), SECRET, storage)


async def test_a_school_behind_one_address_gets_in() -> None:
    school = rates()
    for _ in range(STUDENTS):
        for what in Unknown:
            await school.spend(what, "203.0.113.7")


async def test_beyond_its_share_an_address_waits_and_others_do_not() -> None:
    few = rates(tokens_per_minute=3)
    for _ in range(3):
        await few.spend(Unknown.TOKEN, "203.0.113.7")
    with pytest.raises(TooOften) as refusal:
        await few.spend(Unknown.TOKEN, "203.0.113.7")

    assert refusal.value.code is CloseCode.TOO_MANY
    assert refusal.value.label == "token_requests"
    assert 1 <= refusal.value.retry_after <= 60
    await few.spend(Unknown.TOKEN, "203.0.113.8")
    await few.spend(Unknown.MATERIAL, "203.0.113.7")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8:0:0:1::", "2001:0db8::2"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unknown", "_hidden"),
        ("", "x" * 10_000),
    ],
)
async def test_addresses_of_one_host_share(one: str, other: str) -> None:
    """An IPv6 host chooses among 2^64 addresses, and a proxy may pass on any text."""
    single = rates(tokens_per_minute=1)
    await single.spend(Unknown.TOKEN, one)
    with pytest.raises(TooOften):
        await single.spend(Unknown.TOKEN, other)


async def test_nothing_counts_where_the_rate_is_zero() -> None:
    unlimited = rates(tokens_per_minute=0, materials_per_hour=0, failed_handshakes_per_minute=0)
    for what in Unknown:
        for _ in range(3):
            await unlimited.spend(what, "203.0.113.7")


async def test_however_many_addresses_come_the_counters_are_bounded() -> None:
    storage = MemoryStorage()
    crowd = rates(storage)
    for number in range(6000):
        await crowd.spend(Unknown.TOKEN, f"10.0.{number >> 8}.{number & 255}")

    assert 2000 < len(storage.storage) <= 4096


async def test_servers_of_one_secret_can_share_a_storage() -> None:
    storage = MemoryStorage()
    await rates(storage, tokens_per_minute=1).spend(Unknown.TOKEN, "203.0.113.7")
    with pytest.raises(TooOften):
        await rates(storage, tokens_per_minute=1).spend(Unknown.TOKEN, "203.0.113.7")
