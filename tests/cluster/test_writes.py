"""What an edit costs Redis: one command, however many nodes have the document open."""

import asyncio
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from pycrdt import Array

from benchmarks.client import Client
from storage.redis_scripts import APPEND
from tests.faults.cluster import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("cluster")]

DOCUMENT = "counted"
READS = {"HMGET", "EVALSHA_RO", "SSUBSCRIBE", "SUNSUBSCRIBE", "PING"}


@contextmanager
def monitor(port: int) -> Iterator[list[str]]:
    """The lines of MONITOR, which are complete when the block has ended."""
    lines: list[str] = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        connection.settimeout(None)
        stream = connection.makefile("r", encoding="latin-1", newline="\r\n")
        assert stream.readline() == "+OK\r\n"
        reader = threading.Thread(target=lambda: lines.extend(stream), daemon=True)
        reader.start()
        try:
            yield lines
        finally:
            connection.sendall(b"QUIT\r\n")  # behind everything that came before
            reader.join(10)
            assert not reader.is_alive()


def commands(lines: list[str]) -> list[str]:
    """Commands of clients that write keys of the document; what scripts do themselves is marked `lua`."""
    found = []
    for line in lines:
        match = re.match(r'\+[\d.]+ \[\d+ (?!lua)\S+\] "(\w+)" (.*)', line)
        if match and f"{{{DOCUMENT}}}" in match[2] and match[1].upper() not in READS:
            found.append(f"{match[1].upper()} {match[2]}")
    return found


def batches(cluster: Cluster) -> int:
    """Flushes that all nodes together have appended."""
    total = 0
    for node in cluster.nodes:
        with urllib.request.urlopen(f"{node.http}/metrics") as answer:
            found = re.search(rb"^studyhub_batches_total (\S+)", answer.read(), re.MULTILINE)
        assert found is not None
        total += int(float(found[1]))
    return total


async def test_a_flush_is_one_command_whatever_the_number_of_nodes(cluster: Cluster) -> None:
    clients = [Client(url, DOCUMENT) for url in cluster.urls]
    for client in clients:
        await client.connect()
    writer, *readers = clients
    values = writer.doc.get("values", type=Array)

    before = batches(cluster)
    with monitor(cluster.valkey.port) as lines:
        for number in range(50):
            await writer.edit(partial(values.append, number))
            await asyncio.sleep(0.01)
        await writer.until_saved()
        for reader in readers:
            await reader.until(partial(_has, reader, 50))
    appended = commands(lines)

    assert batches(cluster) - before == len(appended) > 10
    assert {command.split()[1] for command in appended} == {f'"{APPEND.digest}"'}
    for client in clients:
        await client.close()


def _has(client: Client, count: int) -> bool:
    return len(client.doc.get("values", type=Array)) == count
