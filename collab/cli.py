"""The command `studyhub`."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.replay import replay
from collab.document import EMPTY_STATE_VECTOR, Document
from collab.errors import Poisoned, StartError
from collab.settings import read_settings, reference
from storage.errors import StorageError
from storage.file_objects import FileObjects
from storage.loader import load
from storage.sqlite_log import SqliteLog

app = typer.Typer(
    help="A real-time collaboration server for study materials.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(replay)

DataFolder = Annotated[Path | None, typer.Option(help="Folder for the log, the snapshots and the secret.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data: DataFolder = None,
    workers: Annotated[int | None, typer.Option(help="Nodes behind the port; several need Redis.")] = None,
) -> None:
    """Start the server. Every setting is also an environment variable STUDYHUB_*."""
    from collab import server, supervisor  # imported here: the other commands need no web server

    try:
        settings = read_settings(host=host, port=port, data=data, workers=workers)
        (supervisor.supervise if settings.workers > 1 else server.serve)(settings)
    except StartError as error:
        _fail(f"StudyHub cannot start: {error}")


@app.command()
def settings() -> None:
    """List all settings, as the Markdown page docs/settings.md."""
    typer.echo(reference(), nl=False)


@app.command()
def dump(
    material: Annotated[str, typer.Argument(metavar="ID", help="The material's id.")],
    data: DataFolder = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default stdout.")
    ] = None,
) -> None:
    """Write a document as one Yjs update, from snapshots and log alone; no server is needed."""
    try:
        state = asyncio.run(_dump(material, read_settings(data=data).data))
    except (StartError, StorageError, Poisoned) as error:
        _fail(f"cannot dump {material!r}: {error}")
    if output is None:
        sys.stdout.buffer.write(state)
    else:
        output.write_bytes(state)


async def _dump(material: str, data: Path) -> bytes:
    if not (data / "log.db").is_file():
        raise StartError(f"there is no StudyHub data in {data}")
    log = SqliteLog(data / "log.db")
    try:
        loaded = await load(material, log, FileObjects(data / "objects"))
    finally:
        await log.close()
    if not loaded.exists:
        raise StartError("there is no such material")
    document = Document()
    document.load(loaded.updates)
    return document.diff(EMPTY_STATE_VECTOR)


def _fail(line: str) -> None:
    typer.echo(line, err=True)
    raise typer.Exit(1)


def main() -> None:
    """Entry point."""
    app()
