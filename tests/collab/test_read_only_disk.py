"""A disk that turns read-only under a running server, and a server that starts on one."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from benchmarks.client import Client
from collab.errors import CloseCode
from tests.collab.conftest import connected
from tests.collab.harness import pause
from tests.collab.live import Listener, shows, text, write
from tests.faults.node import ReadOnlyNode
from tests.faults.runs import run_until_it_counts
from tests.faults.system import Plan

pytestmark = pytest.mark.anyio


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ReadOnlyNode]:
    node = ReadOnlyNode(tmp_path / "data")
    node.start()
    yield node
    node.kill()


@contextlib.asynccontextmanager
async def typing(client: Client) -> AsyncIterator[None]:
    """Append numbered words until the block ends."""

    async def type_on() -> None:
        for number in count():
            await write(client, f"<{number}>")
            await asyncio.sleep(0.02)

    task = asyncio.create_task(type_on())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(url: str, material: str) -> AsyncIterator[Listener]:
    """As `connected`."""
    client = Listener(url, material)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


def files(node: ReadOnlyNode) -> dict[str, bytes]:
    """All that is stored, without SQLite's `-shm`: that one is shared memory and changes by reading."""
    paths = (path for path in node.server.data.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in paths if not path.name.endswith("-shm")}


def dumped(node: ReadOnlyNode, material: str) -> str:
    doc: Doc[Any] = Doc()
    doc.apply_update(node.server.dump(material))
    return str(doc.get("text", type=Text))


async def refused(url: str, material: str) -> int:
    """The code with which opening `material` is refused, 0 when it opens."""
    client = Client(url, material)
    try:
        await client.connect()
    except ConnectionError:
        return client.close_code
    await client.close()
    return 0


async def test_on_a_read_only_disk_nothing_is_promised_and_nothing_is_lost(node: ReadOnlyNode) -> None:
    url = node.urls[0]
    async with connected(url, "old") as old:
        await write(old, "an older document")
        await old.until_saved()
    async with connected(url, "m") as reader, listening(url, "m") as writer:
        async with typing(writer):
            await writer.until(lambda: writer.saved > 10)
            node.fault("read-only")
            await writer.until(lambda: writer.notices[-1:] == [True])
            await _is_read_only(node, writer, reader)
        node.heal()
        await writer.until_saved()
        await writer.until(lambda: writer.notices[-1] is False)
        await reader.until(lambda: text(reader) == text(writer))
        assert await refused(url, "new") == 0
    node.server.kill()
    assert dumped(node, "m") == text(writer)
    assert dumped(node, "old") == "an older document"


async def _is_read_only(node: ReadOnlyNode, writer: Listener, reader: Client) -> None:
    """While `writer` goes on: others see it, old members and new; nothing is promised or stored."""
    url, acknowledged, before = node.urls[0], writer.saved, files(node)
    await write(writer, "unrecorded")
    await reader.until(shows(reader, "unrecorded"))
    async with connected(url, "m") as joiner:
        assert "unrecorded" in text(joiner)
    assert await refused(url, "new") == CloseCode.UNAVAILABLE
    assert await _whole_or_refused(url)
    await pause()
    assert writer.saved == acknowledged
    assert files(node) == before


async def _whole_or_refused(url: str) -> bool:
    """Whether a stored document that was closed opens as it was, or is refused for now."""
    client = Client(url, "old")
    try:
        await client.connect()
    except ConnectionError:
        return client.close_code == CloseCode.UNAVAILABLE
    await client.close()
    return text(client) == "an older document"


async def test_no_edit_is_lost_under_load_when_the_disk_is_read_only_for_a_while(tmp_path: Path) -> None:
    folders = (tmp_path / str(number) for number in count())
    plan = Plan(1, "read-only", "resume", "bursts", hold=1.0)

    verdict, _ = await run_until_it_counts(lambda: ReadOnlyNode(next(folders)), plan)

    assert verdict.violations == []
    assert verdict.counts, verdict


@pytest.mark.parametrize("used", [False, True], ids=["an empty folder", "a folder with data"])
def test_a_server_on_a_read_only_folder_says_so_in_one_line_and_does_not_start(
    tmp_path: Path, used: bool
) -> None:
    node = ReadOnlyNode(tmp_path / "data")
    node.server.data.mkdir()
    if used:
        node.start()
        node.stop()
    node.fault("read-only")
    ended = subprocess.run(
        (*node.server.command, "serve", "--port", "0", "--data", str(node.server.data)),
        capture_output=True,
        text=True,
        env=node.server.environment,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "Read-only file system" in ended.stderr
    assert str(node.server.data) in ended.stderr
