"""How long a backup and a restore take.

`python -m benchmarks.recovery --documents 1000` writes so many documents as a server would have stored them,
then saves, restores and checks them with the commands of `studyhub`, and compares what was restored.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pycrdt
import typer

from collab.backends import open_backends
from collab.settings import Settings, read_settings
from storage.appending import append
from storage.catalog.values import Material
from storage.clock import unix_milliseconds
from storage.compactor import Compactor
from storage.format import encode_entry
from storage.parallel import each
from storage.store import Store
from storage.values import ZERO, Entry, Part

ENTRIES = 60
"""Per document; a snapshot after each third of them, so that some are in the history."""
LETTERS = 200
"""Per entry: about a minute of typing."""

_PARALLEL = 50
_WORDS = ["cell", "membrane", "nucleus", "enzyme", "protein", "energy", "water", "light", "plant", "root"]


def measure(documents: Annotated[int, typer.Option(min=1, help="How many.")] = 1000) -> None:
    """Save, restore and check so many documents, and print how long each took."""
    with tempfile.TemporaryDirectory(prefix="studyhub-recovery-") as name:
        folder = Path(name)
        asyncio.run(_fill(read_settings(data=folder / "data"), documents))
        _studyhub("backup", str(folder / "saved"), "--data", str(folder / "data"))
        _studyhub("restore", str(folder / "saved"), "--data", str(folder / "restored"))
        _studyhub("check", "--data", str(folder / "restored"))


async def _fill(settings: Settings, documents: int) -> None:
    settings.data.mkdir()
    async with open_backends(settings) as backends:
        assert backends.catalog is not None
        store = Store(backends.log, backends.objects)
        await each(
            lambda number: _write(_id(number), store, random.Random(number)), range(documents), _PARALLEL
        )
        for number in range(documents):
            material = Material(_id(number), "guide", "Cells", unix_milliseconds(), "")
            await backends.catalog.add_material(material)


def _id(number: int) -> str:
    return f"material-{number}"


async def _write(doc: str, store: Store, dice: random.Random) -> None:
    yjs: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    text = yjs.get("body", type=pycrdt.Text)
    updates: list[bytes] = []
    subscription = yjs.observe(lambda event: updates.append(event.update))
    cursor = ZERO
    for number in range(ENTRIES):
        text.insert(dice.randint(0, len(text)), _sentence(dice))
        entry = Entry(unix_milliseconds(), (Part("ann", (yjs.client_id,), updates[-1]),))
        cursor = await append(store.log, doc, encode_entry(entry), cursor)
        if number % (ENTRIES // 3) == ENTRIES // 6:
            await Compactor(store.log, store.objects).compact(doc, unix_milliseconds())
    yjs.unobserve(subscription)


def _sentence(dice: random.Random) -> str:
    words = " ".join(dice.choice(_WORDS) for _ in range(LETTERS // 5))
    return words[:LETTERS]


def _studyhub(*arguments: str) -> None:
    command = (sys.executable, "-c", "from collab.cli import main; main()", *arguments)
    start = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    typer.echo(f"studyhub {arguments[0]}: {time.perf_counter() - start:.1f} s with its start")


if __name__ == "__main__":
    typer.run(measure)
