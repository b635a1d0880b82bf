"""Lists in pages."""

from itertools import count
from pathlib import Path

import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from collab.api.paging import Listing, Page, PageDep
from collab.api.rules import Who, requires
from tests.collab.api.running import running

router = APIRouter(prefix="/tests", dependencies=[requires(Who.ANYBODY)])


def part(rows: list[str], after: str, limit: int) -> list[str]:
    """As a database would give them."""
    return sorted(row for row in rows if row > after)[:limit]


@router.get("/rows")
async def list_rows(page: PageDep) -> Listing[str]:
    return page.listing(part(["a", "b", "c&d"], page.after, page.limit + 1), key=lambda row: row)


@pytest.mark.anyio
async def test_the_link_header_leads_through_the_whole_list(tmp_path: Path) -> None:
    async with running(tmp_path, router) as (client, _):
        first = await client.get("/tests/rows?limit=2")
        second = await client.get(f"http://testserver{first.links['next']['url']}")

    assert first.json() == {"items": ["a", "b"], "next": "b"}
    assert first.headers["link"] == '</api/v1/tests/rows?limit=2&after=b>; rel="next"'
    assert second.json() == {"items": ["c&d"], "next": None}
    assert "link" not in second.headers


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=%00", "after=" + "x" * 401])
async def test_a_page_out_of_bounds_is_refused(tmp_path: Path, query: str) -> None:
    async with running(tmp_path, router) as (client, _):
        answer = await client.get(f"/tests/rows?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"query:{query.partition('=')[0]}"


@given(rows=st.lists(st.text(min_size=1), unique=True), limit=st.integers(1, 10))
def test_pages_give_every_item_once(rows: list[str], limit: int) -> None:
    seen: list[str] = []
    after = ""
    for _ in count():
        page = Page(Request({"type": "http", "path": "/", "query_string": b"", "headers": []}), after, limit)
        listing = page.listing(part(rows, after, limit + 1), key=lambda row: row)
        assert len(listing.items) <= limit
        seen += listing.items
        if listing.next is None:
            break
        after = listing.next

    assert seen == sorted(rows)
