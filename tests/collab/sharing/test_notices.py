"""Notices reach the own node and all others; what cannot be read does no harm."""

import asyncio
from pathlib import Path

import msgpack  # type: ignore[import-untyped]
import pytest

from collab.sharing.notices import Change, Notices
from storage.catalog.shares import Scope
from storage.local_bus import LocalBus
from storage.redis_bus import RedisBus
from tests.servers import Valkey
from tests.storage.redis_parts import TIMEOUT, fresh_prefix, until

pytestmark = pytest.mark.anyio


async def test_a_notice_is_heard_on_all_nodes_once_for_each_target() -> None:
    bus = LocalBus()
    heard: dict[str, list[tuple[Change, str]]] = {"a": [], "b": []}
    notices = {name: Notices(bus.of_node(name)) for name in heard}
    for name, one in notices.items():
        await one.listen(lambda change, target, name=name: heard[name].append((change, target)))  # type: ignore[misc]

    notices["a"].tell(Change.SUBJECT, "ann", "bob")
    notices["a"].tell(Change.TAB)
    await asyncio.sleep(0)

    assert heard["a"] == heard["b"] == [(Change.SUBJECT, "ann"), (Change.SUBJECT, "bob")]


async def test_who_tells_before_anybody_listens_tells_the_others_all_the_same() -> None:
    bus, heard = LocalBus(), []
    await Notices(bus.of_node("b")).listen(lambda *notice: heard.append(notice))
    Notices(bus.of_node("a")).tell(Change.MATERIAL, "m")
    await asyncio.sleep(0)

    assert heard == [(Change.MATERIAL, "m")]


@pytest.mark.parametrize(
    "message", [b"", b"\xc1", msgpack.packb(1), msgpack.packb(("new", "m")), msgpack.packb(("tab", 1))]
)
async def test_what_another_version_tells_is_passed_over(message: bytes) -> None:
    bus, heard = LocalBus(), []
    await Notices(bus.of_node("b")).listen(lambda *notice: heard.append(notice))
    bus.of_node("a").publish("\0access", message)
    await asyncio.sleep(0)

    assert heard == []


def test_each_scope_has_its_change() -> None:
    assert [Change.of(scope) for scope in Scope] == [Change.TAB, Change.MATERIAL]


async def test_notices_travel_through_redis(tmp_path: Path) -> None:
    with Valkey(tmp_path) as valkey:
        prefix = fresh_prefix()
        buses = [RedisBus(valkey.url, name, timeout=TIMEOUT, prefix=prefix) for name in ("a", "b")]
        heard: list[tuple[Change, str]] = []
        try:
            await Notices(buses[1]).listen(lambda *notice: heard.append(notice))
            Notices(buses[0]).tell(Change.SUBJECT, "user:ä")
            await until(lambda: bool(heard))
        finally:
            for bus in buses:
                await bus.close()

    assert heard == [(Change.SUBJECT, "user:ä")]
