"""Messages between nodes through Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from storage import redis_bus
from storage.errors import Unavailable
from storage.redis_bus import RedisBus
from tests.servers import Valkey
from tests.storage.redis_parts import TIMEOUT, call, fresh_prefix, until

Messages = list[tuple[str, bytes]]


@asynccontextmanager
async def _buses(valkey: Valkey, count: int) -> AsyncIterator[list[RedisBus]]:
    prefix = fresh_prefix()
    async with AsyncExitStack() as stack:
        buses = [RedisBus(valkey.url, f"n{n}", timeout=TIMEOUT, prefix=prefix) for n in range(count)]
        for bus in buses:
            stack.push_async_callback(bus.close)
        yield buses


async def _listen(bus: RedisBus, topic: str) -> Messages:
    heard: Messages = []
    await bus.subscribe(topic, lambda sender, message: heard.append((sender, message)))
    return heard


@pytest.mark.anyio
@pytest.mark.parametrize("cluster", [False, True])
async def test_the_others_hear_a_node_in_order_and_it_does_not_hear_itself(
    tmp_path: Path, cluster: bool
) -> None:
    with Valkey(tmp_path, cluster=cluster) as valkey:
        async with _buses(valkey, 3) as buses:
            ears = [await _listen(bus, "a") for bus in buses]
            for number in range(50):
                for bus in buses:
                    bus.publish("a", bytes([number]))
            await until(lambda: all(len(ear) == 100 for ear in ears))
            for own, ear in enumerate(ears):
                for sender in {0, 1, 2} - {own}:
                    sent = [message for name, message in ear if name == f"n{sender}"]
                    assert sent == [bytes([number]) for number in range(50)]


@pytest.mark.anyio
async def test_topics_are_apart_and_unsubscribing_ends_them(valkey: Valkey) -> None:
    async with _buses(valkey, 2) as (one, two):
        first, second = await _listen(one, "a"), await _listen(one, "ä b")
        two.publish("a", b"1")
        two.publish("ä b", b"2")
        await until(lambda: len(first) == len(second) == 1)
        one.unsubscribe("a")
        two.publish("a", b"3")
        two.publish("ä b", b"4")
        await until(lambda: len(second) == 2)
        assert (first, second) == ([("n1", b"1")], [("n1", b"2"), ("n1", b"4")])


@pytest.mark.anyio
async def test_messages_of_an_outage_are_lost_and_later_ones_come(tmp_path: Path) -> None:
    with Valkey(tmp_path) as valkey:
        async with _buses(valkey, 2) as (one, two):
            heard = await _listen(one, "a")
            await asyncio.to_thread(valkey.kill)
            two.publish("a", b"lost")
            await until(lambda: two._away)
            with pytest.raises(Unavailable):
                await one.subscribe("b", lambda sender, message: None)
            await asyncio.to_thread(valkey.start)
            while not heard:
                two.publish("a", b"later")
                await asyncio.sleep(0.05)
            assert set(heard) == {("n1", b"later")}
            assert not two._away


@pytest.mark.anyio
async def test_a_killed_connection_is_renewed(valkey: Valkey) -> None:
    async with _buses(valkey, 2) as (one, two):
        heard = await _listen(one, "a")
        await call(valkey, "CLIENT", "KILL", "TYPE", "pubsub")
        while not heard:
            two.publish("a", b"x")
            await asyncio.sleep(0.05)


@pytest.mark.anyio
async def test_what_waits_for_a_frozen_server_is_bounded_and_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_bus, "_MAX_QUEUED", 1000)
    with Valkey(tmp_path) as valkey:
        async with _buses(valkey, 1) as (bus,):
            valkey.pause()
            for number in range(100):
                bus.publish("a", bytes([number]) * 95)
            assert bus._queued <= 1000
            assert bus._queue[-1][1].endswith(bytes([99]) * 95)
            valkey.resume()
