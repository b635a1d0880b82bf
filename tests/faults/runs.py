"""One fault run: load, kill -9 of the server, restart, verdict."""

import asyncio
import random
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from storage.errors import StorageError
from storage.file_objects import FileObjects
from storage.loader import load as storage_load
from storage.sqlite_log import SqliteLog
from tests.faults.checker import Contents, Violation, check, check_strays
from tests.faults.history import History
from tests.faults.load import Load, tokens_in, tokens_of

Kind = Literal["cut off", "resume"]
"""Whether all old clients are cut off before the restart, or live on and resume by themselves."""

ENOUGH = 20
"""Edits in flight or just acknowledged at the fault; a run with fewer proves nothing."""

_JUST = 0.1  # seconds
_TYPING = (0.5, 2.0)  # seconds, shortest and longest time before the fault
_READING = 0.1  # seconds in which clients read what the killed server had sent
_AFTER = 0.7  # seconds of typing after the restart


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a run. Counts are of edits, at the moment of the fault.

    Attributes:
        counts: whether enough was under way for the run to prove something.
        recorded: sent before the fault and in the log after it.
        just_acknowledged: in the last 100 ms.
        total: sent in the whole run.
    """

    kind: Kind
    seed: int
    counts: bool
    sent: int
    in_flight: int
    recorded: int
    acknowledged: int
    just_acknowledged: int
    seen: int
    total: int
    violations: list[Violation]

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


async def run(folder: Path, seed: int, kind: Kind) -> tuple[Verdict, History]:
    """A run with its data in `folder`, which must be empty. Raises OSError, RuntimeError, TimeoutError."""
    server = ServerProcess(folder)
    history = History()
    await asyncio.to_thread(server.start)
    load = Load(server.url, history, seed, retries=kind == "resume")
    try:
        await load.start()
        await asyncio.sleep(random.Random(seed).uniform(*_TYPING))
        fault = time.monotonic()
        await asyncio.to_thread(server.kill)
        await (load.stop() if kind == "cut off" else asyncio.sleep(_READING))
        recorded = await _stored_in_copy(folder, load.documents)
        violations = check(history, recorded, "the data at the fault")
        await asyncio.to_thread(server.start)
        if kind == "resume":
            await _live_on(load)
        violations += await _check_end(server, load, history, complete=kind == "resume")
    finally:
        await load.stop()
        server.kill()
    return _verdict(kind, seed, history, fault, recorded, violations), history


async def _live_on(load: Load) -> None:
    """Clients resume by themselves and go on typing; in the end everything is saved."""
    await asyncio.sleep(_AFTER)
    await load.finish()
    await load.stop()


async def _check_end(
    server: ServerProcess, load: Load, history: History, *, complete: bool
) -> list[Violation]:
    """What a client that never held the edits gets, and what is in the folder without a server."""
    fresh: Contents = {document: await _fresh(server.url, document) for document in load.documents}
    await asyncio.to_thread(server.stop)
    reloaded = await dumped(server, load.documents)
    violations = check_strays(history)
    violations += check(history, fresh, "a fresh client", complete=complete)
    violations += check(history, reloaded, "a bare reload", complete=complete)
    return violations


async def _stored_in_copy(folder: Path, documents: list[str]) -> Contents:
    # Reading repairs what a crash left behind; the restarted server has to do that by itself.
    with tempfile.TemporaryDirectory() as copy:
        await asyncio.to_thread(shutil.copytree, folder, copy, dirs_exist_ok=True)
        return await stored(Path(copy), documents)


async def _fresh(url: str, document: str) -> list[str]:
    client = Client(url, document)
    await client.connect()
    await client.close()
    return tokens_of(client.doc)


async def dumped(server: ServerProcess, documents: list[str]) -> Contents:
    """What `studyhub dump` reads from the folder of a server that does not run; None where it refuses."""

    async def tokens(document: str) -> list[str] | None:
        try:
            return tokens_in(await asyncio.to_thread(server.dump, document))
        except RuntimeError as error:
            if "cannot dump" in str(error):
                return None
            raise

    found = await asyncio.gather(*(tokens(document) for document in documents))
    return dict(zip(documents, found, strict=True))


async def stored(folder: Path, documents: list[str]) -> Contents:
    """What storage loads from that folder: as `dumped`, in this process and so quicker."""
    log = SqliteLog(folder / "log.db")
    contents: Contents = {}
    try:
        for document in documents:
            try:
                loaded = await storage_load(document, log, FileObjects(folder / "objects"))
                contents[document] = tokens_in(*loaded.updates)
            except StorageError:
                contents[document] = None
    finally:
        await log.close()
    return contents


def _verdict(
    kind: Kind, seed: int, history: History, fault: float, recorded: Contents, violations: list[Violation]
) -> Verdict:
    sent = [token for token in history.tokens.values() if token.sent <= fault]
    stored = {token for tokens in recorded.values() for token in tokens or ()}
    in_flight, just = history.in_flight(fault), history.acknowledged(fault, _JUST)
    return Verdict(
        kind=kind,
        seed=seed,
        counts=len(in_flight) + len(just) >= ENOUGH,
        sent=len(sent),
        in_flight=len(in_flight),
        recorded=sum(token.token in stored for token in sent),
        acknowledged=len(history.acknowledged(fault)),
        just_acknowledged=len(just),
        seen=sum(token.seen is not None and token.seen <= fault for token in sent),
        total=len(history.tokens),
        violations=violations,
    )


async def run_until_it_counts(folder: Path, seed: int, kind: Kind) -> tuple[Verdict, History]:
    """Repeat a run, with other seeds, until enough was under way at the fault, at most five times."""
    for attempt in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        verdict, history = await run(folder, seed + attempt * 1_000_003, kind)
        if verdict.counts or verdict.violations:
            break
    return verdict, history
