"""An account as one ZIP file: what is kept about it, and the documents that it owns."""

from asyncio import to_thread
from collections.abc import Iterable
from typing import IO, Any
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from pycrdt import Doc, XmlFragment

from collab.backends import Backends
from collab.logs import log
from collab.workers import WorkerDied, Workers
from storage.errors import Corrupt
from storage.loader import load
from storage.state import merge


async def write_archive(
    file: IO[bytes], about: dict[str, Any], materials: Iterable[str], backends: Backends, workers: Workers
) -> None:
    """Write `about` as `account.json`, and `materials` one after the other. Raises Unavailable.

    Each document is there as one Yjs update (`.yjs`), and its body as XML too; one that cannot be read any
    more as an empty `.unreadable`.
    """
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        await to_thread(archive.writestr, "account.json", orjson.dumps(about, option=orjson.OPT_INDENT_2))
        for material in materials:
            name = f"materials/{quote(material, safe='')}"
            for ending, content in (await _contents(material, backends, workers)).items():
                await to_thread(archive.writestr, name + ending, content)


async def _contents(material: str, backends: Backends, workers: Workers) -> dict[str, bytes | str]:
    """What is written of one document, by the ending of the file's name."""
    try:
        loaded = await load(material, backends.log, backends.objects)
        state, body = await workers.run(read, loaded.updates)
    except (Corrupt, ValueError, WorkerDied) as error:
        log.error("a document is missing in an archive", material=material, error=str(error))
        return {".unreadable": b""}
    return {".yjs": state, ".xml": body}


def read(updates: list[bytes]) -> tuple[bytes, str]:
    """A document as one update, and its body as XML; for another process. Raises ValueError."""
    state = merge(updates)
    doc: Doc[Any] = Doc()
    body = doc.get("body", type=XmlFragment)
    doc.apply_update(state)
    return state, str(body)
