"""From a snapshot in storage to a joiner's first sync message: how long it takes, and how long others wait.

`python -m benchmarks.opening FILE` makes the document of a recorded session, stores it as a snapshot, and
opens it again and again, each time with a hub that has never seen it. `--times N`: a document of N texts.
"""

import argparse
import asyncio
import statistics
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
_BEAT = 0.0005  # seconds between two looks at the clock
_DOCUMENT = "opening"
_PIECE = 8  # characters of an item


def final_state(path: Path) -> bytes:
    """The document of a recorded session, as one update."""
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    for step in make_steps(load(path), 1, 1 << 30):
        if not step.is_empty:
            doc.apply_update(step.update)
    return doc.get_update()


def repeated(state: bytes, times: int) -> bytes:
    """A document with the text of `state` so many times, each under a name and a client id of its own."""
    source: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    source.apply_update(state)
    (name,) = source.keys()
    text = str(source.get(name, type=pycrdt.Text))
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    for number in range(times):
        copy: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc(client_id=number + 2)
        target = copy.get(f"text {number}", type=pycrdt.Text)
        for start in range(0, len(text), _PIECE):
            target.insert(0, text[start : start + _PIECE])  # in front: as many items as a typed text has
        doc.apply_update(copy.get_update())
    return doc.get_update()


class Lag:
    """The longest time that the event loop has given nobody else a turn, seconds."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_BEAT)
            self.longest = max(self.longest, time.perf_counter() - before - _BEAT)


async def measure(state: bytes, folder: Path, repeats: int) -> tuple[list[float], float]:
    """Seconds from the call to the bytes of the first sync message, once per repeat; the longest lag."""
    log, objects, workers = SqliteLog(folder / "log.db"), FileObjects(folder / "objects"), Workers()
    await Snapshots(objects).write(_DOCUMENT, Cursor(0, 1), state, 0)
    seconds, lag = [], Lag()
    watch = asyncio.create_task(lag.watch())
    for number in range(repeats):
        hub = Hub(read_settings(), Backends(log, objects), workers, CrashGuard(folder / f"open{number}"))
        started = time.perf_counter()
        room = await hub.open(_DOCUMENT)
        frame = ywebsocket.step2(room.diff(b"\x00"))
        seconds.append(time.perf_counter() - started)
        assert len(frame) > len(state), "the whole state is in the message"
        await asyncio.sleep(0.01)
    watch.cancel()
    joined = await Participant.join(room, ANONYMOUS)
    assert joined.doc.get_update(b"\x00"), "a member can join what was opened"
    await log.close()
    workers.close()
    return seconds, lag.longest


def main() -> None:
    """Measure the file named on the command line and print the result."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("file", type=Path, help="a recorded session")
    arguments.add_argument("--times", type=int, default=1, help="texts in the document")
    chosen = arguments.parse_args()
    state = final_state(chosen.file)
    if chosen.times > 1:
        state = repeated(state, chosen.times)
    with tempfile.TemporaryDirectory() as folder:
        seconds, lag = asyncio.run(measure(state, Path(folder), REPEATS))
    print(  # noqa: T201
        f"{len(state):,} bytes: median {statistics.median(seconds) * 1000:.1f} ms, "
        f"longest {max(seconds) * 1000:.1f} ms of {REPEATS} openings; "
        f"others waited {lag * 1000:.1f} ms at most"
    )


if __name__ == "__main__":
    main()
