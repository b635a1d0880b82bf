"""The command line of `studyhub bench`."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.bench import model as cost
from benchmarks.bench import servers
from benchmarks.bench.dialects import DIALECTS
from benchmarks.bench.page import model_page, page
from benchmarks.bench.peers import PeerError
from benchmarks.bench.report import Report, join_reports, make_report, read_report
from benchmarks.bench.running import FAILURES, interleave
from benchmarks.bench.scenarios import FLAT_OUT, SCENARIOS, Scenario, echoing, series
from benchmarks.bench.servers import Contender
from benchmarks.bench.sizes import PROFILES, Sizes
from benchmarks.bench.tables import markdown, terminal

app = typer.Typer(
    help="Measure Yjs servers. A run in which anybody lacks an edit is a failure, not a figure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Clients = Annotated[int | None, typer.Option(help="Another number of clients.")]
Seconds = Annotated[float | None, typer.Option(help="Another length of the measured window.")]
Minutes = Annotated[float | None, typer.Option(help="How long `soak` lasts.")]
Trace = Annotated[Path | None, typer.Option(help="Recorded session for `replay`.", exists=True)]
Profile = Annotated[str, typer.Option(help="Sizes: " + ", ".join(PROFILES) + ".")]
Most = Annotated[bool, typer.Option("--max", help="As much as the server can take.")]
Echo = Annotated[bool, typer.Option(help="Clients send presence back, as y-websocket does.")]
Repeats = Annotated[int, typer.Option(min=1, help="Runs on each server.")]
Compare = Annotated[bool, typer.Option(help="Measure other servers too, in turn.")]
Only = Annotated[list[str] | None, typer.Option(help="Of --compare, only these; may be given again.")]
Url = Annotated[str | None, typer.Option(help="A server that runs already: ws://host:port/path.")]
Dialect = Annotated[str, typer.Option(help="Of --url: " + ", ".join(DIALECTS) + ".")]
Pid = Annotated[int | None, typer.Option(help="Process of --url, for its processor time and memory.")]
Redis = Annotated[str | None, typer.Option(help="Redis or Valkey that may be written to, for `nodes`.")]
Json = Annotated[Path | None, typer.Option("--json", help="File for everything that was found.")]
Html = Annotated[Path | None, typer.Option("--html", help="File for a page with plots.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", help="File such as RESULTS.md.")]


def _command(name: str) -> Callable[..., None]:
    """The command for a scenario; `all` is a series of them."""

    def run(
        clients: Clients = None,
        seconds: Seconds = None,
        minutes: Minutes = None,
        trace: Trace = None,
        profile: Profile = "default",
        most: Most = False,
        echo_presence: Echo = False,
        repeats: Repeats = 1,
        compare: Compare = False,
        only: Only = None,
        url: Url = None,
        dialect: Dialect = "studyhub",
        pid: Pid = None,
        redis: Redis = None,
        json: Json = None,
        html: Html = None,
        results: Markdown = None,
    ) -> None:
        sizes = _resize(_choose(PROFILES, profile), clients, seconds, minutes, trace)
        scenarios = _scenarios(name, most=most, echo_presence=echo_presence)
        if name == "nodes":
            field = _nodes(redis)
        elif url is not None:
            field = {url: partial(servers.foreign_server, url, _choose(DIALECTS, dialect).name, pid)}
        else:
            field = _field(only) if compare else {servers.OWN: servers.own_server}
        report = _measure(scenarios, field, sizes, profile, repeats)
        _write(report, json, html, results)
        if any(run.outcome is None for run in report.runs):
            raise typer.Exit(1)

    return run


for _name in (*SCENARIOS, "all"):
    _about = SCENARIOS[_name].__doc__ if _name in SCENARIOS else "Everything that compares servers."
    app.command(_name, help=_about)(_command(_name))


@app.command()
def report(
    files: Annotated[list[Path], typer.Argument(help="What --json wrote, of one machine.", exists=True)],
    html: Html = None,
    results: Markdown = None,
) -> None:
    """Show one or more series again, or write their page and tables."""
    try:
        joined = join_reports([read_report(file) for file in files])
    except ValueError as error:
        _fail(str(error))
    _write(joined, None, html, results)


@app.command()
def model(profile: Profile = "default", redis: Redis = None, html: Html = None) -> None:
    """What a student costs on StudyHub, and how that grows with rooms, documents and (with --redis) nodes."""
    sizes = _choose(PROFILES, profile)
    clusters = dict(enumerate(servers.clusters(redis).values(), 1)) if redis else {}
    console = Console(stderr=True)
    try:
        found = cost.measure(servers.own_server, sizes, clusters, console.print)
    except (*FAILURES, ValueError) as error:
        _fail(f"{type(error).__name__}: {error}")
    lines = list(cost.sentences(found))
    typer.echo("\n".join(lines))
    if html is not None:
        html.write_text(model_page(lines, cost.plots(found)))


def _resize(
    sizes: Sizes, clients: int | None, seconds: float | None, minutes: float | None, trace: Path | None
) -> Sizes:
    changes: dict[str, Any] = {}
    if clients is not None:
        names = ("classroom", "large_classroom", "listeners", "storm", "idle", "soak_clients")
        changes |= dict.fromkeys(names, clients)
    if seconds is not None:
        changes |= {"seconds": seconds, "room_seconds": seconds}
    if minutes is not None:
        changes["soak_minutes"] = minutes
    if trace is not None:
        changes["trace"] = trace
    return replace(sizes, **changes)


def _scenarios(name: str, *, most: bool, echo_presence: bool) -> dict[str, Scenario]:
    if name == "all":
        return series(echo_presence=echo_presence)
    title = name
    scenario = SCENARIOS[name]
    if most:
        scenario, title = _choose(FLAT_OUT, name), f"{title}, most"
    if echo_presence:
        scenario, title = echoing(scenario), f"{title}, presence echoed"
    return {title: scenario}


def _nodes(redis: str | None) -> dict[str, Contender]:
    if redis is None:
        _fail("nodes need a Redis that they share: --redis URL")
    return servers.clusters(redis)


def _field(only: list[str] | None) -> dict[str, Contender]:
    try:
        found = servers.contenders()
    except PeerError as error:
        _fail(str(error))
    return {name: _choose(found, name) for name in only} if only else found


def _measure(
    scenarios: Mapping[str, Scenario],
    field: Mapping[str, Contender],
    sizes: Sizes,
    profile: str,
    repeats: int,
) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    arguments = list(_without_files(sys.argv[2:] if sys.argv[1:2] == ["bench"] else sys.argv[1:]))
    runs = []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(scenarios) * len(field) * repeats)

        def begin(what: str) -> None:
            progress.update(bar, description=what)

        for run in interleave(scenarios, field, sizes, repeats, begin):
            progress.advance(bar)
            runs.append(run)
            if run.failure:
                progress.console.print(f"{run.scenario}, {run.server}: {run.failure}")
    return make_report(shlex.join(["studyhub", "bench", *arguments]), profile, runs)


def _without_files(arguments: list[str]) -> Iterator[str]:
    """What was measured, not where it was written."""
    pairs = zip(["", *arguments], arguments, strict=False)
    return (each for before, each in pairs if not {before, each} & {"--json", "--html", "--markdown"})


def _write(report: Report, json: Path | None, html: Path | None, results: Path | None) -> None:
    if json is not None:
        json.write_text(report.to_json())
    if html is not None:
        html.write_text(page(report))
    if results is not None:
        results.write_text(markdown(report))
    for table in terminal(report):
        Console().print(table)


def _choose(choices: Mapping[str, Any], name: str) -> Any:
    if name not in choices:
        _fail(f"{name!r} is none of {', '.join(choices)}")
    return choices[name]


def _fail(line: str) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(2)
