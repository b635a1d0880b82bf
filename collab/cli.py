"""The command `studyhub`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from storage.catalog.people_values import Tier

# Everything else is imported by the command that needs it: help should come at once.
if TYPE_CHECKING:
    from collab.settings import Settings

app = typer.Typer(
    help="A real-time collaboration server for study materials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

authorship = typer.Typer(help="Who wrote what.", no_args_is_help=True)
app.add_typer(authorship, name="authorship")

DataFolder = Annotated[Path | None, typer.Option(help="Folder for the log, the snapshots and the secret.")]

Material = Annotated[str, typer.Argument(metavar="ID", help="The material's id.")]
Materials = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Materials' ids.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_PLACE = "A data folder, or a file of STUDYHUB_* lines as for `studyhub serve`."


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data: DataFolder = None,
    workers: Annotated[int | None, typer.Option(help="Nodes behind the port; several need Redis.")] = None,
) -> None:
    """Start the server. Every setting is also an environment variable STUDYHUB_*."""
    from collab import server, supervisor
    from collab.errors import StartError
    from collab.settings import read_settings

    try:
        settings = read_settings(host=host, port=port, data=data, workers=workers)
        (supervisor.supervise if settings.workers > 1 else server.serve)(settings)
    except StartError as error:
        _fail(f"StudyHub cannot start: {error}")


@app.command()
def settings() -> None:
    """List all settings, as the Markdown page docs/settings.md."""
    from collab.settings import reference

    typer.echo(reference(), nl=False)


@app.command()
def dump(
    material: Material,
    data: DataFolder = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default stdout.")
    ] = None,
) -> None:
    """Write a document as one Yjs update, from snapshots and log alone; no server is needed."""
    from collab.commands.dumping import dump_command

    state = dump_command(_settings(data), material)
    if output is None:
        sys.stdout.buffer.write(state)
    else:
        output.write_bytes(state)


@app.command()
def inspect(material: Material, data: DataFolder = None, json: Json = False) -> None:
    """Show what is stored of one material: size, log, snapshots, history, authors."""
    from collab.commands.checking import inspect_command

    inspect_command(_settings(data), material, as_json=json)


@app.command()
def check(materials: Materials = None, data: DataFolder = None, json: Json = False) -> None:
    """Reconcile log, snapshots, history and catalogue; exit 1 on any difference. A server may run."""
    from collab.commands.checking import check_command

    check_command(_settings(data), materials or [], as_json=json)


@app.command()
def compact(
    materials: Materials = None,
    everything: Annotated[bool, typer.Option("--all", help="All materials.")] = False,
    data: DataFolder = None,
) -> None:
    """Make snapshots now, and trim the log. A server on its own has to be stopped, a cluster may run."""
    from collab.commands.checking import compact_command

    compact_command(_settings(data), materials or [], everything=everything)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.")],
    data: DataFolder = None,
) -> None:
    """Save everything as a data folder, while the server runs. `studyhub restore` takes it, or `serve`."""
    from collab.commands.copying import backup_command

    backup_command(_settings(data), folder)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `studyhub backup` made.")],
    data: DataFolder = None,
) -> None:
    """Copy a backup into a place that is empty; no server may run there."""
    from collab.commands.copying import restore_command

    restore_command(_settings(data), folder)


@app.command()
def migrate(
    source: Annotated[Path, typer.Option("--from", metavar="PLACE", help=_PLACE)],
    target: Annotated[Path, typer.Option("--to", metavar="PLACE", help="The same, empty.")],
) -> None:
    """Copy everything from one place to another, from one machine to a cluster or back; no server may run."""
    from collab.commands.copying import migrate_command

    migrate_command(source, target)


@app.command()
def account(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account's address.")],
    tier: Annotated[Tier | None, typer.Option(help="How much it may ask of the API.")] = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Keep it out, or let it in again.")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Show an account, or change its tier, or keep it out; a server may run."""
    from collab.commands.people import account_command

    account_command(_settings(data), email, tier, disabled)


@authorship.command()
def rebuild(materials: Materials = None, data: DataFolder = None) -> None:
    """Derive anew who wrote what, from log and history; all materials by default. A server may run."""
    from collab.commands.authorship import rebuild_command

    rebuild_command(_settings(data), materials or [])


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def replay(context: typer.Context) -> None:
    """Replay a recorded editing session and compare what everybody ends with, byte for byte."""
    from benchmarks import replay

    tool = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    tool.command()(replay.replay)
    tool(context.args, prog_name="studyhub replay")


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def bench(context: typer.Context) -> None:
    """Measure this server, or any Yjs server, beside others."""
    from benchmarks.bench.command import app as tool

    tool(context.args, prog_name="studyhub bench")


def _settings(data: Path | None) -> "Settings":
    from collab.errors import StartError
    from collab.settings import read_settings

    try:
        return read_settings(data=data)
    except StartError as error:
        _fail(str(error))


def _fail(line: str) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(1)


def main() -> None:
    """Entry point."""
    app()
