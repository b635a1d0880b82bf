"""Replays a recorded editing session through a server and compares every text with the recorded one."""

import asyncio
import secrets
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from websockets.exceptions import WebSocketException

from benchmarks.authoring import Step, make_steps
from benchmarks.client import Client
from benchmarks.inside import run_inside
from benchmarks.player import Player, play, text_of
from benchmarks.report import Report
from benchmarks.server import ServerProcess
from benchmarks.trace import Trace, load

_RUNS_EACH = 10  # in how many runs each client types, when an agent has several clients
_LONGEST_RUN = 1000  # transactions


@dataclass(frozen=True, slots=True)
class Options:
    """How to replay: number of clients, unacknowledged edits per client, and the way in.

    `inside`: through participants in this process, without sockets.
    """

    clients: int
    window: int
    plain: bool
    token: str | None
    inside: bool = False


async def run(
    trace: Trace,
    steps: list[Step],
    url: str,
    options: Options,
    restart: Callable[[], object] | None,
    done: Callable[[], object] = lambda: None,
) -> Report:
    """Replay `steps` in a fresh document at `url` (ends before the room's name).

    `restart` ends the server and starts it again, or is None; `done` is called after each step.
    Raises OSError, WebSocketException or TimeoutError when the server does not keep up its side.
    """
    report = Report(trace.content)
    room = f"replay-{secrets.token_hex(8)}"

    def client() -> Client:
        return Client(url, room, plain=options.plain, token=options.token)

    players = [Player(client(), steps, options.window, plain=options.plain) for _ in range(options.clients)]
    try:
        for player in players:
            await player.client.connect()
        await _play(players, steps, report, done)
        report.texts["late joiner"] = await _joiner_text(client())
    finally:
        # Nobody who holds the text may be there to give it back to a restarted server.
        await asyncio.gather(*(player.client.kill() for player in players))
    if restart is not None:
        await asyncio.to_thread(restart)
    report.texts["after a restart"] = await _joiner_text(client()) if restart is not None else None
    return report


async def _play(players: list[Player], steps: list[Step], report: Report, done: Callable[[], object]) -> None:
    start = time.perf_counter()
    await play(players, steps, done)
    texts = await asyncio.gather(*(player.settle(report.content) for player in players))
    report.seconds = time.perf_counter() - start
    report.edits = sum(player.sent for player in players)
    report.sent = sum(player.sent_bytes for player in players)
    report.received = sum(player.client.received for player in players)
    report.texts |= {f"client {number}": text for number, text in enumerate(texts, 1)}


async def _joiner_text(client: Client) -> str:
    client.retries = True
    await client.connect()
    try:
        return text_of(client)
    finally:
        await client.close()


def socket_url(url: str) -> str:
    """The y-websocket address of a server: `http://host:port` becomes `ws://host:port/collab`."""
    parts = urlsplit(url)
    scheme = parts.scheme.replace("http", "ws", 1)
    return parts._replace(scheme=scheme, path=parts.path.rstrip("/") or "/collab").geturl()


def replay(
    file: Annotated[Path, typer.Argument(help="Recorded session, gzipped JSON.", exists=True)],
    url: Annotated[str | None, typer.Option(help="Server to use; without it one is started.")] = None,
    clients: Annotated[int, typer.Option(min=1, help="Yjs clients that type.")] = 2,
    window: Annotated[int, typer.Option(min=2, help="Edits per client that may be unacknowledged.")] = 1000,
    plain: Annotated[bool, typer.Option(help="Plain y-websocket, without acknowledgements.")] = False,
    token: Annotated[str | None, typer.Option(help="Access token for the server.")] = None,
    restart: Annotated[str | None, typer.Option(help="Command that restarts the server at --url.")] = None,
    inside: Annotated[
        bool, typer.Option(help="Through participants in this process, without sockets.")
    ] = False,
) -> None:
    """Replay a recorded editing session and compare what everybody ends with, byte for byte."""
    try:
        trace = load(file)
        report = _replay(trace, url, Options(clients, window, plain, token, inside), restart)
    except (OSError, ValueError, RuntimeError, WebSocketException, subprocess.CalledProcessError) as error:
        typer.echo(f"{file.name}: {type(error).__name__} {error}", err=True)
        raise typer.Exit(2) from error
    _print(report, file.name, clients)
    if report.differing:
        raise typer.Exit(1)


def _replay(trace: Trace, url: str | None, options: Options, restart: str | None) -> Report:
    with ExitStack() as stack:
        bar = stack.enter_context(_bar())
        total = len(trace.transactions)
        making = bar.add_task("preparing", total=total)
        run_each = run_length(trace, options.clients)
        steps = make_steps(trace, options.clients, run_each, lambda: bar.advance(making))
        sending = bar.add_task("replaying", total=total)
        if options.inside:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studyhub-replay-")))
            done = partial(bar.advance, sending)
            return asyncio.run(run_inside(trace.content, steps, options.clients, data, done))
        address, again = _server(stack, url, restart)
        return asyncio.run(run(trace, steps, address, options, again, lambda: bar.advance(sending)))


def run_length(trace: Trace, clients: int) -> int:
    """How many transactions in a row one client types, so that every client has several turns."""
    turns = max(clients, trace.agents) * _RUNS_EACH
    return max(1, min(_LONGEST_RUN, len(trace.transactions) // turns))


def _server(
    stack: ExitStack, url: str | None, restart: str | None
) -> tuple[str, Callable[[], object] | None]:
    if url is not None:
        command = shlex.split(restart) if restart else None
        return socket_url(url), (lambda: subprocess.run(command, check=True)) if command else None
    data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="studyhub-replay-")))
    server = stack.enter_context(ServerProcess(data))

    def crash_and_start() -> None:
        server.kill()
        server.start()

    return server.url, crash_and_start


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _print(report: Report, name: str, clients: int) -> None:
    table = Table(title=f"{name}, {clients} clients", show_header=False)
    table.add_row("edits", f"{report.edits:,}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    table.add_row("edits per second", f"{report.edits / report.seconds:,.0f}")
    table.add_row("bytes of updates sent", f"{report.sent:,}")
    table.add_row("bytes received, all clients", f"{report.received:,}")
    for who, text in report.texts.items():
        table.add_row(who, _verdict(text, report.content))
    Console().print(table)


def _verdict(text: str | None, content: str) -> str:
    if text is None:
        return "not checked"
    if text.encode() == content.encode():
        return f"equal, {len(content.encode()):,} bytes"
    at = next((i for i, (a, b) in enumerate(zip(text, content, strict=False)) if a != b), -1)
    where = f"character {at}" if at >= 0 else "the length"
    return f"DIFFERENT from {where} on: {len(text):,} characters, recorded {len(content):,}"


if __name__ == "__main__":
    typer.run(replay)
