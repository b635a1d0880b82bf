"""`studyhub migrate`, `backup` and `restore`."""

import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from collab.backends import Backends
from collab.commands.catalogues import fill
from collab.commands.places import one_line, opened, opened_empty, settings_of, store_of
from collab.errors import StartError
from collab.settings import Settings
from storage import manifest
from storage.catalog.catalog import Catalog
from storage.clock import unix_milliseconds
from storage.disk import sync_folder
from storage.file_objects import FileObjects
from storage.manifest import Manifest
from storage.sqlite_log import SqliteLog
from storage.transfer import Copied, copy_all


@dataclass(frozen=True, slots=True)
class Done:
    """What a command copied, and how long it took."""

    copied: Copied
    seconds: float

    def __str__(self) -> str:
        copied = self.copied
        return (
            f"{copied.documents:,} documents, {copied.entries:,} entries, {copied.objects:,} objects, "
            f"{copied.size / 1e6:,.1f} MB in {self.seconds:.1f} s"
        )


def migrate_command(source: Path, target: Path) -> None:
    """Migrate, and say so; exit 1 where that failed or a document is damaged."""
    with one_line("migrate"):
        done = migrate(source, target)
    _report("Migrated", done)


def backup_command(settings: Settings, folder: Path) -> None:
    """As `migrate_command`."""
    with one_line("back up"):
        done = backup(settings, folder)
    _report("Saved", done)


def restore_command(settings: Settings, folder: Path) -> None:
    """As `migrate_command`."""
    with one_line("restore"):
        done = restore(settings, folder)
    _report("Restored", done)


def migrate(source: Path, target: Path) -> Done:
    """Copy everything from one place to another, both without a server. Raises StartError, StorageError."""
    if not source.exists():
        raise StartError(f"there is no {source}")
    start = time.perf_counter()
    copied = asyncio.run(_migrate(settings_of(source), settings_of(target)))
    return Done(copied, time.perf_counter() - start)


def backup(settings: Settings, folder: Path) -> Done:
    """Copy everything into a new data folder, also from under a running server.

    What was saved before is in it. The folder gets its name when it is complete. Raises StartError,
    StorageError, OSError.
    """
    start, begun = time.perf_counter(), unix_milliseconds()
    with _new_folder(folder.absolute()) as unfinished:
        copied, installation = asyncio.run(_save(settings, unfinished))
        _seal(unfinished, begun, installation, copied)
    return Done(copied, time.perf_counter() - start)


def restore(settings: Settings, folder: Path) -> Done:
    """Copy a backup into the empty place of the settings. Raises StartError, StorageError, OSError."""
    start = time.perf_counter()
    listed = manifest.verify(folder)
    with tempfile.TemporaryDirectory() as name:
        # A copy, since an older catalogue is brought up to date when it is opened.
        catalog = Path(shutil.copy2(folder / "catalog.db", name))
        copied = asyncio.run(_restore(folder, catalog, settings))
    if copied.documents < listed.documents:
        raise StartError(f"{copied.documents} of {listed.documents} documents came back")
    return Done(copied, time.perf_counter() - start)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder under another name, which gets its own at the end of the block, if that is reached."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartError(f"{folder} is there already; a backup makes a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}.unfinished")
    unfinished.mkdir(mode=0o700)
    try:
        yield unfinished
        unfinished.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


async def _migrate(source: Settings, target: Settings) -> Copied:
    async with opened(source, alone=True) as backends, opened_empty(target, backends) as empty:
        return await _copy(backends, empty)


async def _restore(folder: Path, catalog: Path, settings: Settings) -> Copied:
    async with _embedded(folder, catalog) as source:
        assert source.catalog is not None
        await source.catalog.start()
        async with opened_empty(settings, source) as target:
            return await _copy(source, target)


async def _save(settings: Settings, folder: Path) -> tuple[Copied, str]:
    async with (
        opened(settings, alone=False) as source,
        _embedded(folder, folder / "catalog.db") as target,
    ):
        assert target.catalog is not None
        await fill(target.catalog, source)
        return await _copy(source, target), target.catalog.installation.id


async def _copy(source: Backends, target: Backends) -> Copied:
    assert source.catalog is not None
    assert target.catalog is not None
    # The catalogue was copied first: what it names has to be there, also if it was made since.
    named = [material.id async for material in target.catalog.materials()]
    return await copy_all(
        store_of(source),
        store_of(target),
        name=source.catalog.installation.id,
        documents=named,
        progress=progress,
    )


@asynccontextmanager
async def _embedded(folder: Path, catalog: Path) -> AsyncIterator[Backends]:
    """A data folder whatever the settings are, its catalogue not yet started."""
    async with AsyncExitStack() as stack:
        known = Catalog(catalog)
        stack.push_async_callback(known.close)
        log = SqliteLog(folder / "log.db")
        stack.push_async_callback(log.close)
        yield Backends(log, FileObjects(folder / "objects"), catalog=known)


def _seal(folder: Path, begun: int, installation: str, copied: Copied) -> None:
    manifest.write(
        folder,
        Manifest(
            time=begun,
            installation=installation,
            documents=copied.documents,
            entries=copied.entries,
            objects=copied.objects,
            damaged=copied.damaged,
            files=manifest.survey(folder),
        ),
    )


def progress(done: int, total: int) -> None:
    """Show how far it is, at a terminal."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        typer.echo(f"\r{done:,} of {total:,} documents{end}", err=True, nl=False)


def _report(verb: str, done: Done) -> None:
    typer.echo(f"{verb} {done}.")
    for doc, reason in done.copied.damaged.items():
        typer.echo(f"{doc}: does not open, and was copied as it is: {reason}", err=True)
    if done.copied.damaged:
        raise typer.Exit(1)
