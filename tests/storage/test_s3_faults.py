"""S3 that fails: never read as missing or empty, given up within the bound, used again when it is back."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from storage.errors import Unavailable
from storage.s3_config import S3Limits
from storage.s3_objects import PART, S3Objects
from tests.servers import Moto, S3Server, SeaweedFS
from tests.storage.s3 import QUICK, config_of, opened
from tests.storage.unreliable import Fault, Proxy, answer, cut, hang, proxy, trickle

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3 faults")]

_BACK = S3Limits(connect=1.0, silence=1.0, total=30.0, attempts=8)
_BUSY = S3Limits(connect=1.0, silence=10.0, total=20.0, attempts=2)
_NOT_FOUND = b"<html>Not found</html>"
_BOUND = 3 * QUICK.total  # seconds after which a call hangs for ever as far as we are concerned


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture
async def between(moto: S3Server) -> AsyncIterator[Proxy]:
    async with proxy(moto.port) as one:
        yield one


@pytest.fixture
async def objects(moto: S3Server, between: Proxy) -> AsyncIterator[S3Objects]:
    """A store behind the proxy that holds "a/1" and a large object."""
    config = config_of(moto)
    async with opened(config) as patient:
        await patient.put("a/1", b"x")
        await patient.put("a/large", bytes(1_000_000))
    objects = S3Objects(replace(config, endpoint=between.url), QUICK)
    try:
        await _warmed_up(objects)
        yield objects
    finally:
        await objects.close()


async def _warmed_up(objects: S3Objects) -> None:
    """Opening the client may take longer than such a short limit allows."""
    for _ in range(10):
        with contextlib.suppress(Unavailable):
            await objects.get("a/1")
            return
    raise AssertionError("the store does not answer")


_FAULTS = {
    "500": answer(500),
    "503": answer(503, b"<Error><Code>SlowDown</Code><Message>m</Message></Error>"),
    "a proxy's 404": answer(404, _NOT_FOUND),
    "200 with a page": answer(200, _NOT_FOUND),
    "200 with nothing": answer(200),
    "403": answer(403),
    "hang": hang,
    "cut": cut,
    "trickle": trickle,
}


@pytest.mark.parametrize("fault", _FAULTS.values(), ids=_FAULTS)
async def test_a_failing_store_is_unavailable_in_time_and_used_again_when_it_is_back(
    objects: S3Objects, between: Proxy, fault: Fault
) -> None:
    before = asyncio.all_tasks()
    between.fault = fault
    async with asyncio.timeout(4 * _BOUND):
        with pytest.raises(Unavailable):
            await objects.list("a/")
        with pytest.raises(Unavailable):
            await objects.put("a/2", b"y")
        if fault is not _FAULTS["200 with a page"] and fault is not _FAULTS["200 with nothing"]:
            with pytest.raises(Unavailable):  # a page instead of the object fails the object's own checksum
                await objects.get("a/1")
    assert between.faults >= 2
    between.fault = None
    await _are_back(objects)
    assert between.connections <= QUICK.connections
    await _ended(before)


async def _are_back(objects: S3Objects) -> None:
    assert await objects.get("a/1") == b"x"
    await objects.put("a/2", b"y")
    assert await objects.list("a/") == ["a/1", "a/2", "a/large"]


async def _ended(before: set[asyncio.Task[object]]) -> None:
    """Returns when no task is left but those of before and the proxy's. The test's timeout is the bound."""
    while any("Proxy" not in repr(task) for task in asyncio.all_tasks() - before):
        await asyncio.sleep(0.01)


async def test_a_slow_store_serves_until_it_is_too_slow(objects: S3Objects, between: Proxy) -> None:
    between.delay = QUICK.silence / 4
    await _are_back(objects)
    between.delay = QUICK.silence * 4
    async with asyncio.timeout(_BOUND):
        for call in (objects.get("a/1"), objects.put("a/1", b"x"), objects.list("a/")):
            with pytest.raises(Unavailable):
                await call
    between.delay = 0.0
    await _are_back(objects)


async def test_more_callers_than_connections_all_fail_in_time_and_all_succeed_later(
    moto: S3Server, between: Proxy
) -> None:
    limits = S3Limits(connect=0.5, silence=0.5, total=1.5, attempts=3, connections=4)
    async with opened(config_of(moto, endpoint=between.url), limits) as objects:
        between.fault = hang
        async with asyncio.timeout(_BOUND):
            names = [f"a/{number:02d}" for number in range(40)]
            results = await asyncio.gather(
                *(objects.put(name, b"x") for name in names), return_exceptions=True
            )
        assert {type(result) for result in results} == {Unavailable}
        assert between.connections <= limits.connections
        between.fault = None
        await asyncio.gather(*(objects.put(name, b"x") for name in names))
        assert await objects.list("a/") == names
        assert between.connections <= limits.connections


async def test_a_short_failure_is_not_noticed(moto: S3Server, between: Proxy) -> None:
    async with opened(config_of(moto, endpoint=between.url), _BACK) as objects:
        for fault in (_FAULTS["503"], cut, hang):
            counted = between.faults

            async def once(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault = fault
            ) -> None:
                between.fault = None
                await fault(reader, writer)

            between.fault = once
            await objects.put("a/1", b"x")
            assert between.faults == counted + 1
        assert await objects.get("a/1") == b"x"


@pytest.mark.parametrize("limit", [1, 100, 300_000])
async def test_an_answer_that_breaks_off_is_never_an_object(
    objects: S3Objects, between: Proxy, limit: int
) -> None:
    between.fault = cut  # so that no connection from before is used
    with pytest.raises(Unavailable):
        await objects.get("a/large")
    between.fault, between.answer_limit = None, limit
    with pytest.raises(Unavailable):
        await objects.get("a/large")
    between.answer_limit = None
    assert await objects.get("a/large") == bytes(1_000_000)


async def test_a_failed_large_upload_leaves_no_parts(moto: S3Server) -> None:
    async with opened(config_of(moto), _BUSY) as objects:
        client = await objects._open()
        upload = client.upload_part

        async def fail_second(**fields: Any) -> Any:
            if fields["PartNumber"] == 2:
                raise OSError("the cable is out")
            return await upload(**fields)

        client.upload_part = fail_second  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match="cable"):
            await objects.put("a", bytes(2 * PART))
        left = await client.list_multipart_uploads(Bucket=objects._config.bucket)
        assert "Uploads" not in left
        assert await objects.list("") == []


async def test_a_large_upload_whose_last_answer_is_lost_is_there(moto: S3Server) -> None:
    async with opened(config_of(moto), _BUSY) as objects:
        client = await objects._open()
        original = client.complete_multipart_upload
        calls = itertools.count()

        async def complete(**fields: Any) -> Any:
            done = await original(**fields)
            if next(calls) == 0:
                raise ConnectionClosedError(endpoint_url="")
            return done

        client.complete_multipart_upload = complete  # type: ignore[method-assign]
        data = secrets.token_bytes(1000) * 9000
        await objects.put("a", data)
        assert next(calls) == 2
        assert await objects.get("a") == data


async def test_nothing_of_a_cancelled_call_stays(objects: S3Objects, between: Proxy) -> None:
    before = asyncio.all_tasks()
    between.fault = hang
    puts = [asyncio.ensure_future(objects.put(f"a/{n}", b"x")) for n in range(3, 10)]
    while between.faults < 5:
        await asyncio.sleep(0.01)
    for put in puts:
        put.cancel()
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    await _ended(before)
    between.fault = None
    assert await objects.get("a/1") == b"x"


async def test_closing_ends_the_calls_under_way(objects: S3Objects, between: Proxy) -> None:
    between.fault = hang
    puts = [asyncio.ensure_future(objects.put(f"a/{n}", b"x")) for n in range(3, 6)]
    while between.faults < 3:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(_BOUND):
        await objects.close()
        results = await asyncio.gather(*puts, return_exceptions=True)
    assert {type(result) for result in results} == {Unavailable}


async def test_what_a_killed_server_had_confirmed_is_there_whole(tmp_path: Path) -> None:
    """kill -9 of a real server in the middle of puts, small ones and ones in parts."""
    server = SeaweedFS(tmp_path)
    await asyncio.to_thread(server.start)
    try:
        async with opened(config_of(server), _BUSY) as objects:
            confirmed: dict[str, bytes] = {}
            refused: dict[str, bytes] = {}
            writers = [_keep_putting(objects, f"a/{number}", confirmed, refused) for number in range(6)]
            puts = [asyncio.ensure_future(writer) for writer in writers]
            while len(confirmed) < 60 and not refused:
                await asyncio.sleep(0.01)
            assert not refused
            await asyncio.to_thread(server.kill)
            await asyncio.gather(*puts)
            await asyncio.to_thread(server.start)
            await _hold(objects, confirmed, refused)
    finally:
        await asyncio.to_thread(server.stop)


async def _keep_putting(
    objects: S3Objects, folder: str, confirmed: dict[str, bytes], refused: dict[str, bytes]
) -> None:
    """Puts until one fails; every seventh is large."""
    for number in itertools.count():
        name = f"{folder}/{number:04d}"
        size = PART + 1000 if number % 7 == 6 else 20_000
        data = name.encode() * (size // len(name))
        try:
            await objects.put(name, data)
        except Unavailable:
            refused[name] = data
            return
        confirmed[name] = data


async def _hold(objects: S3Objects, confirmed: dict[str, bytes], refused: dict[str, bytes]) -> None:
    listed = set(await objects.list(""))
    assert set(confirmed) <= listed <= set(confirmed) | set(refused)
    assert len(refused) >= 6
    for name in listed:
        assert await objects.get(name) == (confirmed | refused)[name]
    for name, data in refused.items():  # putting again is harmless, whatever became of it
        await objects.put(name, data)
        assert await objects.get(name) == data


async def test_a_frozen_server_is_unavailable_until_it_goes_on(tmp_path: Path) -> None:
    server = Moto(tmp_path)
    await asyncio.to_thread(server.start)
    try:
        async with opened(config_of(server), QUICK) as objects:
            await objects.put("a", b"x")
            server.pause()
            async with asyncio.timeout(_BOUND):
                with pytest.raises(Unavailable, match="S3_ENDPOINT"):
                    await objects.get("a")
            server.resume()
            assert await objects.get("a") == b"x"
            await asyncio.to_thread(server.kill)
            with pytest.raises(Unavailable, match="S3_ENDPOINT"):
                await objects.get("a")
    finally:
        await asyncio.to_thread(server.stop)
