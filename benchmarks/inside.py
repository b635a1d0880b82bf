"""Replays a recorded session through participants in this process: what a room costs without sockets."""

import time
from collections.abc import Callable
from pathlib import Path

import pycrdt

from benchmarks.authoring import ROOT, Step
from benchmarks.report import Report
from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import read_settings
from collab.workers import Workers
from storage.file_objects import FileObjects
from storage.sqlite_log import SqliteLog

_MATERIAL = "replay"


async def run_inside(
    content: str, steps: list[Step], authors: int, folder: Path, done: Callable[[], object] = lambda: None
) -> Report:
    """Replay `steps` on storage in `folder`; the report's restart is a second hub on the same storage.

    Each author is a participant. Before a step that rests on others' edits, all are saved, and so shown.
    """
    report = Report(content)
    reader = Grant("reader", "Reader", Role.VIEWER)
    log, objects = SqliteLog(folder / "log.db"), FileObjects(folder / "objects")

    def hub(name: str) -> Hub:
        return Hub(read_settings(data=folder), Backends(log, objects), Workers(), CrashGuard(folder / name))

    first = hub("first")
    room = await first.open(_MATERIAL, create=True)
    names = range(max(authors, 1 + max(step.author for step in steps)))
    writers = [await Participant.join(room, Grant(f"author {n}", f"Author {n}", Role.EDITOR)) for n in names]
    await _write(writers, steps, report, done)
    report.texts = {f"author {n}": _text(writer) for n, writer in enumerate(writers, 1)}
    report.texts["late joiner"] = _text(await Participant.join(room, reader))
    await first.close()
    second = hub("second")
    reopened = await second.open(_MATERIAL)
    report.texts["after a restart"] = _text(await Participant.join(reopened, reader))
    await second.close()
    await log.close()
    return report


async def _write(
    writers: list[Participant], steps: list[Step], report: Report, done: Callable[[], object]
) -> None:
    start = time.perf_counter()
    for step in steps:
        if step.awaits:
            for writer in writers:
                await writer.saved()
        if not step.is_empty:
            with writers[step.author].edit() as doc:
                doc.apply_update(step.update)
            report.edits += 1
            report.sent += len(step.update)
        done()
    for writer in writers:
        await writer.saved()
    report.seconds = time.perf_counter() - start


def _text(participant: Participant) -> str:
    return str(participant.doc.get(ROOT, type=pycrdt.Text))
