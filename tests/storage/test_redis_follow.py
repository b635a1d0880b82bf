"""Followers of the Redis log hear every entry once, in order, and are told of outages."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from storage.errors import Unavailable
from storage.redis_log import RedisLog
from storage.testing import append
from storage.values import ZERO
from tests.servers import Valkey
from tests.storage.redis_parts import Heard, Monitor, call, fresh_prefix, opened, until


@pytest.mark.anyio
@pytest.mark.parametrize("cluster", [False, True])
async def test_two_nodes_hear_each_other_and_themselves_in_log_order(
    tmp_path_factory: pytest.TempPathFactory, cluster: bool
) -> None:
    with Valkey(tmp_path_factory.mktemp("valkey"), cluster=cluster) as valkey:
        prefix = fresh_prefix()
        async with opened(valkey, prefix, "n1") as one, opened(valkey, prefix, "n2") as two:
            ears = [Heard(), Heard()]
            await asyncio.gather(one.follow("ä", ears[0]), two.follow("ä", ears[1]))
            await asyncio.gather(*(_append_many(log, 40) for log in (one, two)))
            await until(lambda: all(len(ear.announcements) == 80 for ear in ears))
            assert ears[0].announcements == ears[1].announcements
            told = ears[0].announcements
            assert [(each.cursor, each.entry) for each in told] == await one.read("ä", ZERO)
            assert [each.previous for each in told] == [ZERO, *(each.cursor for each in told[:-1])]
            assert [each.node.encode() for each in told] == [each.entry[:2] for each in told]


async def _append_many(log: RedisLog, count: int) -> None:
    for number in range(count):
        await append(log, "ä", f"{log.node} {number}".encode())


@pytest.mark.anyio
async def test_the_first_entry_above_a_floor_names_it_as_previous(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        heard = Heard()
        await log.follow("a", heard)
        first = await append(log, "a", b"x")
        floor = first._replace(epoch=9)
        await log.raise_floor("a", floor)
        await append(log, "a", b"y")
        await until(lambda: len(heard.announcements) == 2)
        assert heard.announcements[1].previous == floor


@pytest.mark.anyio
async def test_nothing_is_heard_after_unfollow_and_all_after_following_again(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        first, second, other = Heard(), Heard(), Heard()
        await log.follow("b", other)
        await log.follow("a", first)
        log.unfollow("a")
        await append(log, "a", b"1")
        await log.follow("a", Heard())
        log.unfollow("a")
        await log.follow("a", second)
        await append(log, "a", b"2")
        await append(log, "b", b"3")
        await until(lambda: other.entries == [b"3"])
        assert first.entries == []
        assert second.entries == [b"2"]
        assert (first.interruptions, second.interruptions, other.interruptions) == (0, 0, 0)


@pytest.mark.anyio
async def test_a_killed_connection_interrupts_every_follower_and_all_hear_again(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        ears = {f"doc {number}": Heard() for number in range(300)}
        await asyncio.gather(*(log.follow(doc, ear) for doc, ear in ears.items()))
        for kill in (1, 2):
            await call(valkey, "CLIENT", "KILL", "TYPE", "pubsub")
            await until(lambda times=kill: all(ear.interruptions == times for ear in ears.values()))
            for doc in ears:
                await append(log, doc, doc.encode())
            await until(lambda times=kill: all(len(ear.entries) == times for ear in ears.values()))
        assert all(set(ear.entries) == {doc.encode()} for doc, ear in ears.items())


@pytest.mark.anyio
async def test_a_follower_that_raises_does_not_harm_the_others(valkey: Valkey) -> None:
    class Raises(Heard):
        def announced(self, announcement: object) -> None:
            raise RuntimeError("on purpose")

    async with opened(valkey, fresh_prefix()) as log:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        heard = Heard()
        await log.follow("a", Raises())
        await log.follow("b", heard)
        await append(log, "a", b"x")
        await append(log, "b", b"x")
        await until(lambda: heard.entries == [b"x"])
        assert [str(error) for error in told] == ["on purpose"]


@pytest.mark.anyio
async def test_following_fails_while_redis_is_away_and_works_when_it_is_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        async with opened(valkey, fresh_prefix()) as log:
            early, late = Heard(), Heard()
            await log.follow("early", early)
            await asyncio.to_thread(valkey.kill)
            with pytest.raises(Unavailable):
                await log.follow("late", late)
            await asyncio.to_thread(valkey.start)
            await until(lambda: early.interruptions == 1)
            await log.follow("late", late)
            for doc in ("early", "late"):
                await append(log, doc, b"x")
            await until(lambda: early.entries == late.entries == [b"x"])
            assert late.interruptions == 0


@pytest.mark.anyio
async def test_a_server_that_stops_answering_is_noticed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """It holds the connection, so that only the missing answers tell."""
    with Valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        async with opened(valkey, fresh_prefix()) as log:
            heard = Heard()
            await log.follow("a", heard)
            valkey.pause()
            await until(lambda: not log._subscriber._connected)
            valkey.resume()
            await until(lambda: heard.interruptions == 1)
            await append(log, "a", b"x")
            await until(lambda: heard.entries == [b"x"])


@pytest.mark.anyio
@pytest.mark.parametrize("nodes", [1, 4])
async def test_an_append_is_one_command_however_many_follow(valkey: Valkey, nodes: int) -> None:
    prefix = fresh_prefix()
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(opened(valkey, prefix, f"n{n}")) for n in range(nodes)]
        ears = [Heard() for _ in logs]
        for log, ear in zip(logs, ears, strict=True):
            await log.follow("a", ear)
        await append(logs[0], "a", b"first")  # it connects, and the server learns the script
        async with Monitor(valkey) as monitor:
            for number in range(10):
                await append(logs[0], "a", str(number).encode())
            await until(lambda: all(len(ear.entries) == 11 for ear in ears))
            commands = await monitor.commands()
        assert [words[0] for words in commands if words[0] != "PING"] == ["EVALSHA"] * 10


@pytest.mark.anyio
async def test_documents_that_are_only_followed_cost_nothing(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        await asyncio.gather(*(log.follow(str(number), Heard()) for number in range(2000)))
        async with Monitor(valkey) as monitor:
            await asyncio.sleep(1.0)
            commands = await monitor.commands()
        assert {words[0] for words in commands} <= {"PING"}
        assert len(commands) < 10


@pytest.mark.anyio
async def test_no_append_passes_to_a_server_that_was_away_before_followers_know(valkey: Valkey) -> None:
    """It may have lost what the entry rests on, in a way that only its followers can tell."""
    async with opened(valkey, fresh_prefix()) as log:
        follower = Heard()
        await log.follow("a", follower)
        await append(log, "a", b"x")
        await call(valkey, "CLIENT", "KILL", "TYPE", "normal")
        with pytest.raises(Unavailable, match="it was away"):
            await append(log, "a", b"y")
        assert follower.interruptions
        await append(log, "a", b"z")
        assert [entry for _, entry in await log.read("a", ZERO)] == [b"x", b"z"]
