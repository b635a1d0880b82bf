"""Lists in pages: `?after=&limit=`, answered by `{"items": [...], "next": ...}` and a Link header.

async def tabs(page: PageDep, ...) -> Listing[Tab]:
    rows = await shelf.tabs(owner, after=page.after, limit=page.limit + 1)
    return page.listing(rows, key=lambda row: row.id)
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from collab.api.dependencies import Storable

Item = TypeVar("Item")

_DEFAULT = 50  # items
_MOST = 200  # items


class Listing(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = None
    """The `after` of the next page; null at the end."""


class Page:
    """Which part of a list is asked for.

    Attributes:
        after: the key of the last item of the page before, "" for the first page.
        limit: items at most. Read one more than that: whether it is there tells whether a page follows.
    """

    def __init__(self, request: Request, after: str, limit: int) -> None:
        self.after = after
        self.limit = limit
        self._request = request

    def listing(self, found: Sequence[Item], key: Callable[[Item], str]) -> Listing[Item]:
        """The page of `found`, up to `limit + 1` items after `after`; `key` gives an item's `after`."""
        items = list(found[: self.limit])
        following = key(items[-1]) if len(found) > self.limit else None
        if following is not None:
            leave_header(self._request, "Link", f'<{self._address(following)}>; rel="next"')
        return Listing(items=items, next=following)

    def _address(self, after: str) -> str:
        """The same address with another `after`: a path, for a proxy may have given us a name of its own."""
        kept = [pair for pair in self._request.query_params.multi_items() if pair[0] != "after"]
        return f"{self._request.url.path}?{urlencode([*kept, ('after', after)])}"


def leave_header(request: Request, name: str, value: str) -> None:
    """Have `edge.AnswerHeaders` add a header to the answer, be it an error or not."""
    headers: dict[str, str] = request.scope.setdefault("state", {}).setdefault("headers", {})
    headers[name] = value


async def _page(
    request: Request,
    after: Annotated[Storable, Query(max_length=400, description="The `next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=_MOST, description="Items at most.")] = _DEFAULT,
) -> Page:
    return Page(request, after, limit)


PageDep = Annotated[Page, Depends(_page)]
