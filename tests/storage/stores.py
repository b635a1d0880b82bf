"""Stores for tests: in memory and on the disk, with documents that were written and compacted at random."""

from pathlib import Path

from storage.appending import append
from storage.base import UpdateLog
from storage.compactor import Compactor
from storage.file_objects import FileObjects
from storage.format import encode_entry
from storage.loader import load
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.sqlite_log import SqliteLog
from storage.state import merge
from storage.store import Store
from storage.values import Cursor, Entry
from tests.storage.documents import Author, write


def in_memory() -> Store:
    return Store(MemoryLog(), MemoryObjects())


def on_disk(folder: Path) -> Store:
    folder.mkdir(parents=True, exist_ok=True)
    return Store(SqliteLog(folder / "log.db"), FileObjects(folder / "objects"))


async def fill(store: Store, doc: str, steps: str, seed: int = 0) -> Author:
    """Write `doc`: for each letter of `steps`, (c)reate, (e)dit, (s)napshot and trim."""
    author, compactor = Author(seed), Compactor(store.log, store.objects)
    now = 1_700_000_000_000
    for step in steps:
        now += 10_000_000  # so that snapshots are kept
        last = (await store.log.state(doc)).last
        match step:
            case "c":
                await append(store.log, doc, encode_entry(Entry(now)), last)
            case "e":
                await write(store.log, author, 2, last, doc)
            case "s":
                await compactor.compact(doc, now)
    return author


async def state(store: Store, doc: str) -> bytes:
    return merge((await load(doc, store.log, store.objects)).updates)


async def entries(log: UpdateLog, doc: str) -> list[bytes]:
    return [data for _, data in await log.read(doc, Cursor(0, 0))]
