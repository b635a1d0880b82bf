"""Clients that stop reading harm only themselves."""

import asyncio
import random
import socket
import statistics
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess

pytestmark = pytest.mark.anyio

STUCK = 5
CHUNK = 20_000  # bytes of one broadcast edit
RATE = 150  # edits per second, where the machine is fast enough: 3 MB/s together
FILLING = 8 << 20  # bytes broadcast until all buffers are full and the log was compacted a few times
UNREAD = 24 << 20  # bytes broadcast after that; unbounded queues would hold them all, once if they share them
BOUND = UNREAD // 2


async def _broadcast(client: Client) -> None:
    """Overwrite one value again and again: traffic without a growing document."""
    chunks = random.Random(1)
    blob = client.doc.get("blob", type=pycrdt.Map)
    while True:
        await client.edit(partial(blob.__setitem__, "value", chunks.randbytes(CHUNK // 2).hex()))
        await asyncio.sleep(1 / RATE)


async def _latencies(writer: Client, reader: Client, received: int) -> list[float]:
    """Seconds from edits of one client until the other has them, while that receives so many bytes."""
    mine = writer.doc.get("ping", type=pycrdt.Map)
    theirs = reader.doc.get("ping", type=pycrdt.Map)
    found = []
    end = reader.received + received
    while reader.received < end:
        start = time.monotonic()
        await writer.edit(partial(mine.__setitem__, "at", start))
        await reader.until(partial(_shows, theirs, start))
        found.append(time.monotonic() - start)
        await asyncio.sleep(0.03)
    return found


def _shows(values: "pycrdt.Map[Any]", wanted: float) -> bool:
    return bool(values.get("at") == wanted)


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[tuple[ServerProcess, list[Client]]]:
    with ServerProcess(tmp_path) as server:
        clients = [Client(server.url, "class") for _ in range(3 + STUCK)]
        for client in clients:
            await client.connect()
        yield server, clients
        server.kill()
        for client in clients:
            await client.kill()


async def test_clients_that_stop_reading_cost_bounded_memory_and_nobody_elses_time(
    clients: tuple[ServerProcess, list[Client]],
) -> None:
    server, (broadcaster, writer, reader, *stuck) = clients
    broadcast = asyncio.create_task(_broadcast(broadcaster))
    before = await _latencies(writer, reader, FILLING)

    for client in stuck:
        # A small kernel buffer, so that it is the server that has to hold what is not read.
        _set_buffer(client, 4096)
        client.transport.pause_reading()
    meanwhile = await _latencies(writer, reader, FILLING)
    memory = server.memory()
    meanwhile += await _latencies(writer, reader, UNREAD)
    growth = server.memory() - memory
    broadcast.cancel()

    assert growth < BOUND
    assert statistics.median(meanwhile) < 5 * statistics.median(before)
    await _catches_up(stuck[0], writer)


def _set_buffer(client: Client, size: int) -> None:
    client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


async def _catches_up(stuck: Client, writer: Client) -> None:
    """A stuck client that reads again ends with everything, also if it was given up on a slow machine."""
    stuck.retries = True
    if stuck.connected:
        _set_buffer(stuck, 1 << 20)
        stuck.transport.resume_reading()
    else:
        await stuck.connect()
    last = time.monotonic()
    await writer.edit(partial(writer.doc.get("ping", type=pycrdt.Map).__setitem__, "at", last))
    await stuck.until(partial(_shows, stuck.doc.get("ping", type=pycrdt.Map), last))
    await writer.resync()
    blob = stuck.doc.get("blob", type=pycrdt.Map)
    await stuck.until(lambda: blob.to_py() == writer.doc.get("blob", type=pycrdt.Map).to_py())
