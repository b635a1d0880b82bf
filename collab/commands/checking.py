"""`studyhub check`, `compact` and `inspect`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import typer

from collab.backends import Backends
from collab.commands.copying import progress
from collab.commands.places import opened, run, store_of
from collab.errors import StartError
from collab.settings import Settings
from storage.checker import Report, check
from storage.clock import unix_milliseconds
from storage.compactor import Compactor
from storage.inspection import Inspection, inspect
from storage.values import ZERO

_LEASE = 600.0  # seconds that the snapshot of one document may take


def check_command(settings: Settings, materials: Sequence[str], *, as_json: bool) -> None:
    """Print every difference, one a line, and a summary; exit 1 where there is one."""
    report = run("check", _check(settings, materials))
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=1))
    else:
        for found in report.differences:
            typer.echo(f"{found.document}: {found.text}" if found.document else found.text)
        typer.echo(_summary(report))
    if report.differences:
        raise typer.Exit(1)


def compact_command(settings: Settings, materials: Sequence[str], *, everything: bool) -> None:
    """Compact, and print how much the log has shrunk."""
    if bool(materials) == everything:
        typer.echo("name the materials to compact, or say --all", err=True)
        raise typer.Exit(1)
    typer.echo(run("compact", _compact(settings, materials)))


def inspect_command(settings: Settings, material: str, *, as_json: bool) -> None:
    """Print what is stored of one material."""
    found = run(f"inspect {material!r}", _inspect(settings, material))
    typer.echo(json.dumps(asdict(found), indent=1) if as_json else _page(found))


async def _check(settings: Settings, materials: Sequence[str]) -> Report:
    async with opened(settings, alone=False) as backends:
        return await check(store_of(backends), materials, progress=progress)


async def _compact(settings: Settings, materials: Sequence[str]) -> str:
    # The nodes of a cluster know how to share a log with a compaction; a server on its own has it alone.
    async with opened(settings, alone=settings.redis_url is None, catalog=False) as backends:
        documents = materials or await store_of(backends).documents()
        before = after = busy = 0
        for number, doc in enumerate(documents):
            before += (await backends.log.state(doc)).entries
            busy += not await _compact_one(doc, backends)
            after += (await backends.log.state(doc)).entries
            progress(number + 1, len(documents))
    text = (
        f"Compacted {len(documents) - busy:,} documents: {before:,} entries in the log before, {after:,} now."
    )
    return f"{text} {busy:,} are being compacted by a server." if busy else text


async def _compact_one(doc: str, backends: Backends) -> bool:
    """Whether nobody else was at it. Raises StartError, StorageError."""
    name = f"snapshot/{doc}"
    token = await backends.lease.acquire(name, _LEASE)
    if token is None:
        return False
    try:
        if await Compactor(backends.log, backends.objects).compact(doc, unix_milliseconds()) == ZERO:
            raise StartError(f"there is no material {doc!r}")
    finally:
        await backends.lease.release(name, token)
    return True


async def _inspect(settings: Settings, material: str) -> Inspection:
    async with opened(settings, alone=False) as backends:
        found = await inspect(material, store_of(backends))
    if found is None:
        raise StartError("there is no such material")
    return found


def _summary(report: Report) -> str:
    parts = (
        f"{report.documents:,} documents, {report.entries:,} entries in the log, "
        f"{report.snapshots:,} snapshots, {report.segments:,} history segments"
    )
    rows = f"{report.materials:,} rows in the catalogue, {report.unlisted:,} documents without one"
    count = len(report.differences)
    verdict = "no difference" if not count else f"{count:,} difference{'s' if count > 1 else ''}"
    return f"{parts}; {rows}: {verdict}."


def _page(found: Inspection) -> str:
    row = found.material
    lines = {
        "material": found.id,
        "title": row.title if row else "(no row in the catalogue)",
        "kind": (row.kind or "") if row else "",
        "created": f"{_time(row.created)} by {row.created_by or 'a guest'}" if row else "",
        "state": f"{found.size:,} bytes; {found.live:,} items live, {found.deleted:,} deleted",
        "clients": f"{found.clients:,}",
        "log": f"{found.entries:,} entries, {found.entry_bytes:,} bytes",
        "newest entry": f"{found.last}, {_time(found.last_entry)}",
        "trimmed up to": found.trimmed,
        "snapshots": f"{found.snapshots:,}, newest {_time(found.newest_snapshot)}",
        "history": f"{found.segments:,} segments, oldest {_time(found.oldest_segment)}",
        "authors": ", ".join(f"{author or '(none)'} ({count:,})" for author, count in found.authors.items()),
    }
    return "\n".join(f"{name:<14} {text}".rstrip() for name, text in lines.items())


def _time(milliseconds: int) -> str:
    if not milliseconds:
        return "never"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
