"""Snapshots as objects: written, verified, found again."""

from collections.abc import Callable
from concurrent.futures import Executor
from hashlib import blake2b

import structlog

from storage.base import ObjectStore
from storage.errors import Corrupt, Missing
from storage.format import decode_snapshot, encode_snapshot
from storage.keys import SnapshotKey, parse_snapshot, snapshot_prefix
from storage.offload import offload
from storage.state import is_sound
from storage.values import Cursor, Snapshot

Keys = list[SnapshotKey]
Found = list[tuple[SnapshotKey, Snapshot]]
OnCorrupt = Callable[[Corrupt], None]
"""Told of a corrupt snapshot that an older one stands in for."""

_logger = structlog.get_logger(__name__)


def warn(error: Corrupt) -> None:
    """Log a corrupt snapshot."""
    _logger.warning("corrupt snapshot", name=error.name, error=str(error))


class Snapshots:
    """The snapshots of all documents in `objects`.

    Big states are verified in `executor`; a process pool keeps the event loop free. Every method raises
    Unavailable.
    """

    def __init__(
        self, objects: ObjectStore, *, executor: Executor | None = None, on_corrupt: OnCorrupt = warn
    ) -> None:
        self._objects = objects
        self._executor = executor
        self._on_corrupt = on_corrupt

    async def write(self, doc: str, cursor: Cursor, state: bytes, time: int) -> str:
        """Store `state` as of `cursor` and return its name once it was read back.

        `state` is a Yjs update (V1), `time` Unix time in milliseconds. Raises Corrupt when the state does not
        open whole in an empty document, before anything is stored, and when other bytes were read back than
        were written; nothing may then be trimmed.
        """
        data = encode_snapshot(state, cursor, time)
        key = SnapshotKey(doc, cursor, time, _digest(data))
        # First of all: a loader would trust what is stored and has a good checksum.
        if not await offload(self._executor, len(state), is_sound, state):
            raise Corrupt("verify snapshot", key.name, "its state does not open in an empty document")
        await self._objects.put(key.name, data)
        await self.read(key)  # checks against the digest of what was written
        return key.name

    async def list(self, doc: str) -> Keys:
        """The snapshots of `doc` by name, ascending; none of them was read."""
        keys = []
        for name in await self._objects.list(snapshot_prefix(doc)):
            try:
                keys.append(parse_snapshot(name))
            except ValueError:  # not ours: nothing that `keys` names
                continue
        return sorted(keys)

    async def newest(self, doc: str) -> Snapshot | None:
        """The greatest valid snapshot of `doc`, None when there is none."""
        return next((snapshot for _, snapshot in await self.valid(doc, 1)), None)

    async def valid(self, doc: str, count: int) -> Found:
        """The greatest `count` snapshots of `doc` whose checksums hold, greatest first.

        Corrupt ones above are reported and passed over, ones deleted meanwhile are passed over.
        """
        found: Found = []
        for key in reversed(await self.list(doc)):
            try:
                found.append((key, await self.read(key)))
            except Corrupt as error:
                self._on_corrupt(error)
            except Missing:
                continue
            if len(found) == count:
                break
        return found

    async def read(self, key: SnapshotKey) -> Snapshot:
        """The snapshot of that name. Raises Missing, Corrupt when it is not what its name says."""
        data = await self._objects.get(key.name)
        try:
            snapshot = decode_snapshot(data)
        except Corrupt as error:
            raise Corrupt("read snapshot", key.name, error) from error
        if _digest(data) != key.digest or (snapshot.cursor, snapshot.time) != (key.cursor, key.time):
            raise Corrupt("read snapshot", key.name, "it is not what its name says")
        return snapshot


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
