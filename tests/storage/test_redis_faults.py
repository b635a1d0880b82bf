"""The Redis log where the server crashes, freezes, fills up, forgets or is emptied."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from storage import redis_writer
from storage.errors import LostTail, StorageError, Unavailable
from storage.redis_link import disconnect
from storage.redis_log import RedisLog
from storage.testing import Receipt, append
from storage.values import ZERO, Cursor, Level, Position
from tests.servers import Valkey
from tests.servers.valkey import Sync
from tests.storage.redis_parts import call, fresh_prefix, opened, until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Valkey]:
    """A server for one test."""
    with Valkey(tmp_path) as valkey:
        yield valkey


async def _append_when_back(log: RedisLog, doc: str, entry: bytes) -> Cursor:
    while True:
        try:
            return await append(log, doc, entry)
        except LostTail:
            raise
        except Unavailable:
            await asyncio.sleep(0.05)


async def _told(receipts: list[Receipt]) -> None:
    await until(lambda: all(receipt.levels or receipt.error for receipt in receipts))


def _append_to_each(log: RedisLog, receipts: dict[str, list[Receipt]], count: int) -> None:
    for _ in range(count):
        for doc, told in receipts.items():
            told.append(Receipt())
            log.append(doc, str(len(told) - 1).encode(), ZERO, told[-1])


@pytest.mark.anyio
@pytest.mark.parametrize("sync", ["everysec", "always"])
async def test_a_killed_server_loses_nothing_recorded_and_keeps_call_order(
    tmp_path: Path, sync: Sync
) -> None:
    with Valkey(tmp_path, appendfsync=sync) as valkey:
        async with opened(valkey, "sh") as log:
            receipts: dict[str, list[Receipt]] = {doc: [] for doc in "abcdef"}
            _append_to_each(log, receipts, 500)
            await until(lambda: len(receipts["f"][60].levels) > 0)
            await asyncio.to_thread(valkey.kill)
            _append_to_each(log, receipts, 5)
            for told in receipts.values():
                await _told(told)
                assert any(receipt.error for receipt in told)
            await asyncio.to_thread(valkey.start)
            await _append_when_back(log, "a", b"last")
            for doc, told in receipts.items():
                held = await log.read(doc, ZERO)
                recorded = [(each.cursor, str(n).encode()) for n, each in enumerate(told) if each.levels]
                assert set(recorded) <= set(held)
                numbers = [int(entry) for _, entry in held if entry != b"last"]
                assert numbers == list(range(len(numbers)))


@pytest.mark.anyio
async def test_an_emptied_server_is_noticed_and_can_be_healed(own: Valkey) -> None:
    async with opened(own, "sh") as log:
        last = [await append(log, "a", bytes([n])) for n in range(3)][-1]
        await call(own, "FLUSHALL")
        assert await log.positions(["a"]) == [Position(ZERO, ZERO)]
        assert await log.documents() == []
        with pytest.raises(LostTail):
            await append(log, "a", b"x", last)
        healing = await append(log, "a", b"all", last, heals=True)
        assert healing == Cursor(last.epoch + 1, healing.sequence)
        assert await append(log, "a", b"next", healing) > healing


@pytest.mark.anyio
async def test_a_frozen_server_fails_appends_and_reads_until_it_goes_on(own: Valkey) -> None:
    async with opened(own, "sh") as log:
        first = await append(log, "a", b"1")
        own.pause()
        receipts = [Receipt() for _ in range(20)]
        for receipt in receipts:
            log.append("a", b"2", first, receipt)
        await _told(receipts)
        assert all(isinstance(receipt.error, Unavailable) for receipt in receipts)
        calls = (log.read("a", ZERO), log.state("a"), log.positions(["a"]), log.trim("a", first))
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, Unavailable)
            assert "check that Redis runs and answers" in str(error)
        own.resume()
        last = await _append_when_back(log, "a", b"3")
        entries = [entry for _, entry in await log.read("a", ZERO)]
        assert (entries[0], entries[-1]) in ((b"1", b"3"), (b"1", b"2"))
        assert (last, b"3") in await log.read("a", ZERO)
        assert entries.count(b"2") <= 1  # what waited behind the append that timed out was not sent


@pytest.mark.anyio
async def test_a_full_server_refuses_appends_and_still_trims(tmp_path: Path) -> None:
    with Valkey(tmp_path, extra=("--maxmemory", "12mb")) as valkey:
        async with opened(valkey, "sh") as log:
            cursors = []
            with pytest.raises(Unavailable, match="raise its maxmemory"):
                for number in range(100):
                    cursors.append(await append(log, "a", bytes([number]) * 2**19))
            assert len(await log.read("a", ZERO)) == len(cursors) > 2
            await log.raise_floor("b", Cursor(3, 3))
            await log.trim("a", cursors[-2])
            assert await append(log, "a", b"x", cursors[-1]) > cursors[-1]


@pytest.mark.anyio
async def test_a_server_that_forgot_the_scripts_learns_them_again(valkey: Valkey) -> None:
    async with opened(valkey, fresh_prefix()) as log:
        receipts = [Receipt() for _ in range(60)]
        for number, receipt in enumerate(receipts):
            log.append("ab"[number % 2], bytes([number]), ZERO, receipt)
            if number % 20 == 0:
                await call(valkey, "SCRIPT", "FLUSH")
        cursors = [await receipt.until() for receipt in receipts]
        for start, doc in enumerate("ab"):
            expected = [(at, bytes([number])) for number, at in enumerate(cursors)][start::2]
            assert await log.read(doc, ZERO) == expected
        await call(valkey, "SCRIPT", "FLUSH")
        assert (await log.state("a")).entries == 30


@pytest.mark.anyio
async def test_what_waits_behind_a_failed_append_fails_with_it(valkey: Valkey) -> None:
    """Its entries may rest on the failed one."""
    prefix = fresh_prefix()
    head = f"{prefix}:{{bad}}:head"

    class Mends(Receipt):
        def failed(self, error: StorageError) -> None:
            super().failed(error)
            valkey.call("DEL", head)  # so that whatever is sent later succeeds

    async with opened(valkey, prefix) as log:
        await call(valkey, "SET", head, "not a hash")
        bad, good = [Mends() for _ in range(3)], [Receipt() for _ in range(3)]
        for one, other in zip(bad, good, strict=True):
            log.append("bad", b"x", ZERO, one)
            log.append("good", b"x", ZERO, other)
        await _told([*bad, *good])
        assert [str(receipt.error).count("WRONGTYPE") for receipt in bad] == [1, 1, 1]
        assert [receipt.error for receipt in good] == [None, None, None]
        assert await log.read("bad", ZERO) == []
        assert await append(log, "bad", b"x") > ZERO


@pytest.mark.anyio
async def test_the_queue_of_appends_is_bounded(own: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_writer, "MAX_QUEUED", 1000)
    async with opened(own, "sh") as log:
        await append(log, "a", b"x")
        own.pause()
        receipts = [Receipt() for _ in range(10)]
        for receipt in receipts:
            log.append("a", bytes(400), ZERO, receipt)
        await until(lambda: receipts[9].error is not None)
        assert [receipt.error is None for receipt in receipts] == [True] * 3 + [False] * 7
        await _told(receipts)
        own.resume()
        await _append_when_back(log, "a", b"y")


@pytest.mark.anyio
async def test_a_server_that_is_away_is_unavailable_with_a_hint(own: Valkey) -> None:
    async with opened(own, "sh") as log:
        await asyncio.to_thread(own.kill)
        with pytest.raises(Unavailable, match="check that Redis runs and that the URL names it"):
            await append(log, "a", b"x")
        with pytest.raises(Unavailable, match="check that Redis runs and that the URL names it"):
            await log.state("a")
        with pytest.raises(Unavailable):
            await RedisLog(own.url, node="n1").start()


@asynccontextmanager
async def _replicated(tmp_path: Path) -> AsyncIterator[tuple[Valkey, Valkey]]:
    with Valkey(tmp_path / "one", extra=("--repl-diskless-sync-delay", "0")) as primary:
        extra = ("--replicaof", "127.0.0.1", str(primary.port))
        with Valkey(tmp_path / "two", extra=extra) as replica:
            while b"master_link_status:up" not in await call(replica, "INFO", "replication"):
                await asyncio.sleep(0.05)
            yield primary, replica


@pytest.mark.anyio
async def test_replicated_means_that_a_replica_has_it(tmp_path: Path) -> None:
    async with _replicated(tmp_path) as (primary, replica), opened(primary, "sh", replicas=1) as log:
        assert log.strongest is Level.REPLICATED
        receipt = Receipt()
        log.append("a", b"x", ZERO, receipt)
        await receipt.until(Level.REPLICATED)
        assert receipt.levels == [Level.RECORDED, Level.REPLICATED]
        assert await call(replica, "XLEN", "sh:{a}:log") == b":1"
        replica.pause()
        late = Receipt()
        log.append("a", b"y", ZERO, late)
        with pytest.raises(Unavailable, match="0 of 1 replicas"):
            await late.until(Level.REPLICATED)
        assert late.levels == [Level.RECORDED]
        replica.resume()


@pytest.mark.anyio
async def test_a_connection_lost_before_the_replicas_confirmed_is_a_failure(tmp_path: Path) -> None:
    """On another connection, which has written nothing, Redis would confirm at once."""
    async with _replicated(tmp_path) as (primary, replica), opened(primary, "sh", replicas=1) as log:
        await append(log, "a", b"x")
        replica.pause()
        link = log._writer._link
        lost = link._connection
        assert lost is not None

        class Loses(Receipt):
            def recorded(self, cursor: Cursor) -> None:
                super().recorded(cursor)
                link._connection = None

        receipt = Loses()
        log.append("a", b"y", ZERO, receipt)
        with pytest.raises(Unavailable, match="the connection was lost"):
            await receipt.until(Level.REPLICATED)
        assert receipt.levels == [Level.RECORDED]
        replica.resume()
        await disconnect(lost)
