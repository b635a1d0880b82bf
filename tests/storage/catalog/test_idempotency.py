"""Answers kept under a key of the client's own, on both databases."""

import asyncio

import pytest

from storage.catalog.catalog import Catalog
from storage.catalog.idempotency import Answer, Mismatch, Running

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]

DAY = 24 * 3600 * 1000  # milliseconds


async def test_the_first_claims_the_second_gets_its_answer(catalog: Catalog) -> None:
    keys = catalog.idempotency

    assert await keys.claim("u", "k", b"hash", 0) is None
    assert await keys.claim("u", "k", b"hash", 1) == Running()
    await keys.keep("u", "k", 201, b"{}", 2)
    assert await keys.claim("u", "k", b"hash", 3) == Answer(201, b"{}")
    assert await keys.claim("u", "k", b"other", 3) == Mismatch()
    assert await keys.claim("v", "k", b"other", 3) is None


async def test_of_many_at_once_one_claims(catalog: Catalog) -> None:
    claims = await asyncio.gather(*(catalog.idempotency.claim("u", "k", b"hash", 0) for _ in range(8)))

    assert sorted(map(str, claims)) == sorted(["None", *["Running()"] * 7])


async def test_a_released_key_may_be_claimed_again_an_answered_one_stays(catalog: Catalog) -> None:
    keys = catalog.idempotency
    await keys.claim("u", "k", b"hash", 0)
    await keys.release("u", "k")
    assert await keys.claim("u", "k", b"hash", 0) is None

    await keys.keep("u", "k", 200, b"1", 0)
    await keys.release("u", "k")
    assert await keys.claim("u", "k", b"hash", 0) == Answer(200, b"1")


async def test_an_answer_is_kept_for_a_day(catalog: Catalog) -> None:
    keys = catalog.idempotency
    await keys.claim("u", "k", b"hash", 0)
    await keys.keep("u", "k", 200, b"1", 0)

    assert await keys.claim("u", "k", b"hash", DAY - 1) == Answer(200, b"1")
    assert await keys.claim("u", "k", b"other", DAY) is None


async def test_a_request_whose_node_died_may_be_tried_again(catalog: Catalog) -> None:
    keys = catalog.idempotency
    await keys.claim("u", "k", b"hash", 0)

    assert await keys.claim("u", "k", b"hash", 59_999) == Running()
    assert await keys.claim("u", "k", b"hash", 60_000) is None
