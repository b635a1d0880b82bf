"""The audit log, on both databases."""

import pytest

from storage.catalog import audit as audit_module
from storage.catalog.audit import Position
from storage.catalog.catalog import Catalog

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("postgres")]


@pytest.fixture(params=[True, False], ids=["one moment", "one each"])
def _clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of one millisecond keep their order as well."""
    times = iter(range(1, 1000))
    monkeypatch.setattr(audit_module, "unix_milliseconds", lambda: 7 if request.param else next(times))


@pytest.mark.usefixtures("_clock")
@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_pages_show_every_entry_once_newest_first(catalog: Catalog, limit: int) -> None:
    audit = catalog.audit
    for n in range(7):
        await audit.append("u1", "share", "tab", "t1", {"n": n})
        await audit.append("u2", "share", "tab", "t2")
    seen: list[object] = []
    before: Position | None = None
    while page := await audit.of_target("tab", "t1", limit=limit, before=before):
        assert len(page) <= limit
        seen += [entry.details["n"] for entry in page]
        before = (page[-1].time, page[-1].id)

    assert seen == [6, 5, 4, 3, 2, 1, 0]


async def test_entries_are_found_by_who_and_by_what(catalog: Catalog) -> None:
    audit = catalog.audit
    first = await audit.append("u1", "rename", "tab", "x", {"title": "ü"})
    second = await audit.append("u2", "delete", "material", "x")

    assert await audit.of_target("tab", "x") == [first]
    assert await audit.of_target("material", "x") == [second]
    assert await audit.of_actor("u1") == [first]
    assert await audit.of_actor("u3") == []
    assert await audit.of_target("tab", "\0") == []
