"""The command line of `studyhub bench`."""

from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.bench.measure import GeneratorBusyError, NotConvergedError, UnsupportedError
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.running import generate, own_server
from benchmarks.bench.scenarios import FLAT_OUT, SCENARIOS
from benchmarks.bench.sizes import PROFILES, Sizes
from benchmarks.bench.wire import WireError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    scenario: Annotated[str, typer.Argument(help=", ".join(SCENARIOS))],
    profile: Annotated[str, typer.Option(help="Sizes: " + ", ".join(PROFILES))] = "default",
    clients: Annotated[int | None, typer.Option(help="Another number of clients.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Another length of the measured window.")] = None,
    most: Annotated[bool, typer.Option("--max", help="As much as the server can take.")] = False,
    echo_presence: Annotated[bool, typer.Option(help="Send presence back, as y-websocket does.")] = False,
) -> None:
    """Measure a server. A run in which anybody lacks an edit is a failure, not a figure."""
    measure = (FLAT_OUT if most else SCENARIOS)[scenario]
    sizes = _resize(PROFILES[profile], clients, seconds)
    try:
        with own_server(echo_presence=echo_presence) as target:
            outcome = generate(measure(target, sizes))
    except (GeneratorBusyError, NotConvergedError, UnsupportedError, WireError, TimeoutError) as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(1) from error
    _show(scenario, outcome)


def _resize(sizes: Sizes, clients: int | None, seconds: float | None) -> Sizes:
    if clients is not None:
        sizes = replace(sizes, classroom=clients, listeners=clients, storm=clients, idle=clients)
    if seconds is not None:
        sizes = replace(sizes, seconds=seconds, room_seconds=seconds)
    return sizes


def _show(title: str, outcome: Outcome) -> None:
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in outcome.figures.items():
        table.add_row(name, f"{value:,.3f}")
    Console().print(table)
