"""How long a server takes from a snapshot in storage to a joiner's first sync message.

`python -m benchmarks.opening FILE` makes the document of a recorded session, stores it as a snapshot, and
opens it again and again, each time with a hub that has never seen it.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pycrdt

from benchmarks.authoring import make_steps
from benchmarks.trace import load
from collab.auth.grants import ANONYMOUS
from collab.backends import Backends
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.protocol import ywebsocket
from collab.settings import read_settings
from collab.workers import Workers
from storage.file_objects import FileObjects
from storage.snapshots import Snapshots
from storage.sqlite_log import SqliteLog
from storage.values import Cursor

REPEATS = 20
_DOCUMENT = "opening"


def final_state(path: Path) -> bytes:
    """The document of a recorded session, as one update."""
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    for step in make_steps(load(path), 1, 1 << 30):
        if not step.is_empty:
            doc.apply_update(step.update)
    return doc.get_update()


async def measure(state: bytes, folder: Path, repeats: int) -> list[float]:
    """Seconds from the call to the bytes of the first sync message, once per repeat."""
    log, objects, workers = SqliteLog(folder / "log.db"), FileObjects(folder / "objects"), Workers()
    await Snapshots(objects).write(_DOCUMENT, Cursor(0, 1), state, 0)
    seconds = []
    for number in range(repeats):
        hub = Hub(read_settings(), Backends(log, objects), workers, CrashGuard(folder / f"open{number}"))
        started = time.perf_counter()
        room = await hub.open(_DOCUMENT)
        frame = ywebsocket.step2(room.diff(b"\x00"))
        seconds.append(time.perf_counter() - started)
        assert len(frame) > len(state), "the whole state is in the message"
    joined = await Participant.join(room, ANONYMOUS)
    assert joined.doc.get_update(b"\x00"), "a member can join what was opened"
    await log.close()
    workers.close()
    return seconds


def main() -> None:
    """Measure the file named on the command line and print the result."""
    state = final_state(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        seconds = asyncio.run(measure(state, Path(folder), REPEATS))
    print(  # noqa: T201
        f"{len(state):,} bytes: median {statistics.median(seconds) * 1000:.1f} ms, "
        f"longest {max(seconds) * 1000:.1f} ms of {REPEATS} openings"
    )


if __name__ == "__main__":
    main()
