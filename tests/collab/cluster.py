"""Nodes in one process, over one log, one object store and one bus in memory."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pycrdt import Text

from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.document import Document
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import Settings
from collab.workers import Workers
from storage.base import Follower
from storage.loader import load
from storage.local_bus import LocalBus
from storage.local_lease import LocalLease
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.values import Announcement

MATERIAL = "m"


class LossyLog(MemoryLog):
    """A log whose announcements can be lost, and which can lose its newest entries."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf = False

    async def follow(self, doc: str, follower: Follower) -> None:
        await super().follow(doc, _Ear(self, follower))

    def lose(self, doc: str, keep: int) -> None:
        """Forget all but the oldest `keep` entries, as if they had never been."""
        document = self._documents[doc]
        document.entries = dict(list(document.entries.items())[:keep])
        document.head.given = max(document.entries, default=document.head.trimmed)

    def forget(self) -> None:
        """Lose everything."""
        for document in self._documents.values():
            document.entries.clear()
            document.head = type(document.head)()

    def come_back(self) -> None:
        """Tell all nodes that the log was away."""
        for document in self._documents.values():
            for follower in document.followers.values():
                follower.interrupted()


class _Ear:
    def __init__(self, log: LossyLog, follower: Follower) -> None:
        self._log = log
        self._follower = follower

    def announced(self, announcement: Announcement) -> None:
        if not self._log.deaf:
            self._follower.announced(announcement)

    def interrupted(self) -> None:
        self._follower.interrupted()


class Cluster:
    """Hubs by name, made when first asked for."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.log = LossyLog()
        self.objects = MemoryObjects()
        self._bus = LocalBus()
        self._lease = LocalLease()
        self._folder = folder
        self._settings = Settings(**settings)
        self._hubs: dict[str, Hub] = {}
        self._logs: dict[str, LossyLog] = {}

    def node(self, name: str) -> Hub:
        if name not in self._hubs:
            log = self._logs[name] = LossyLog()
            log.node, log._documents = name, self.log._documents
            backends = Backends(log, self.objects, self._bus.of_node(name), self._lease)
            guard = CrashGuard(self._folder / name)
            self._hubs[name] = Hub(self._settings, backends, Workers(), guard)
        return self._hubs[name]

    def log_of(self, name: str) -> LossyLog:
        return self._logs[name]

    async def join(self, name: str, subject: str = "ann", material: str = MATERIAL) -> Participant:
        room = await self.node(name).open(material, create=True)
        return await Participant.join(room, Grant(subject, subject.title(), Role.EDITOR))

    async def stored(self, material: str = MATERIAL) -> str:
        """The text that a node would load now."""
        loaded = await load(material, self.log, self.objects)
        document = Document()
        document.load(loaded.updates)
        return str(document._doc.get("t", type=Text))

    async def close(self) -> None:
        for hub in self._hubs.values():
            await hub.close()
            hub.workers.close()


def write(participant: Participant, words: str) -> None:
    with participant.edit() as doc:
        text = doc.get("t", type=Text)
        text += words


def read(participant: Participant) -> str:
    return str(participant.doc.get("t", type=Text))


async def until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)
