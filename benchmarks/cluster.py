"""What many nodes cost: `python -m benchmarks.cluster`.

*Delay*: one client types, one on the same node and one on another note when they have the edit. *Idle*: the
processor time of a node with many open documents that nobody types into, beside that of a server on its own
with as many: sockets and housekeeping cost the same there. Nodes, Redis and clients share this machine.
"""

import asyncio
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import pycrdt
import typer

from benchmarks.client import Client
from benchmarks.server import ServerProcess

_WARM_UP = 50  # edits that are not counted
_PAUSE = 0.02  # seconds between two edits
_SETTLE = 8.0  # seconds from opening the documents until the measurement
_AT_ONCE = 50  # sockets that are opened at the same time


async def delays(urls: list[str], edits: int) -> list[list[float]]:
    """Milliseconds from an edit at the first URL until a client at each URL has it, edit by edit."""
    writer = Client(urls[0], "delay")
    readers = [Client(url, "delay") for url in urls]
    for client in (writer, *readers):
        await client.connect()
    found: list[list[float]] = [[] for _ in urls]
    values = writer.doc.get("values", type=pycrdt.Map)
    for number in range(_WARM_UP + edits):
        started = time.perf_counter()
        await writer.edit(partial(values.__setitem__, "at", float(number)))
        taken = await asyncio.gather(*(_until(reader, float(number), started) for reader in readers))
        if number >= _WARM_UP:
            for times, one in zip(found, taken, strict=True):
                times.append(one)
        await asyncio.sleep(_PAUSE)
    for client in (writer, *readers):
        await client.close()
    return found


async def _until(reader: Client, wanted: float, started: float) -> float:
    values = reader.doc.get("values", type=pycrdt.Map)
    await reader.until(lambda: bool(values.get("at") == wanted))
    return (time.perf_counter() - started) * 1000


async def open_documents(url: str, count: int) -> list[Client]:
    """A client at each of so many documents."""
    clients = [Client(url, f"idle-{number}") for number in range(count)]
    for first in range(0, count, _AT_ONCE):
        await asyncio.gather(*(client.connect() for client in clients[first : first + _AT_ONCE]))
    return clients


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def idle_costs(servers: list[tuple[ServerProcess, int]], seconds: float) -> list[float]:
    """Percent of a core that each takes with so many documents open and not typed into, in the same time."""
    clients = [client for server, count in servers for client in await open_documents(server.url, count)]
    await asyncio.sleep(_SETTLE)
    before, started = [processor_seconds(server.pid) for server, _ in servers], time.monotonic()
    await asyncio.sleep(seconds)
    taken = time.monotonic() - started
    now = [processor_seconds(server.pid) for server, _ in servers]
    await asyncio.gather(*(client.kill() for client in clients))
    return [100 * (after - old) / taken for old, after in zip(before, now, strict=True)]


def main(
    redis: Annotated[str, typer.Option(help="URL of a Redis or Valkey server that may be written to.")],
    edits: Annotated[int, typer.Option(help="Edits whose delay is measured.")] = 500,
    documents: Annotated[int, typer.Option(help="Documents that are open on the idle node.")] = 2000,
    seconds: Annotated[float, typer.Option(help="How long the idle node is watched.")] = 20.0,
) -> None:
    """Measure the delay between nodes and the cost of open documents."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"STUDYHUB_REDIS_URL": redis}
        shared = Path(folder, "shared")
        with ServerProcess(shared, **settings) as one, ServerProcess(shared, **settings) as other:
            same, across = asyncio.run(delays([one.url, other.url], edits))
            _report("same node", same)
            _report("another node", across)
            _report("more", [far - near for near, far in zip(same, across, strict=True)])
            with ServerProcess(Path(folder, "alone")) as alone:
                servers = [(one, documents), (other, 0), (alone, documents)]
                node, empty, server = asyncio.run(idle_costs(servers, seconds))
        typer.echo(f"idle with {documents} documents: a node {node:.2f} % of a core, ", nl=False)
        typer.echo(f"a server on its own {server:.2f} %, a node with none {empty:.2f} %")
        typer.echo(f"following the log: {node - server:.2f} %")


def _report(name: str, times: list[float]) -> None:
    percentiles = statistics.quantiles(times, n=100)
    typer.echo(f"{name}: p50 {percentiles[49]:.2f} ms, p99 {percentiles[98]:.2f} ms of {len(times)}")


if __name__ == "__main__":
    typer.run(main)
