"""Rooms without sockets: members that keep what they are shown, on a log whose appends can be held."""

import asyncio
from typing import Any

from pycrdt import Doc, Text

from collab.document import Document
from collab.errors import CloseCode
from collab.limits import Limits
from collab.presence import Identity
from collab.room import Room
from storage.local_bus import LocalBus
from storage.testing import HeldLog
from storage.values import ZERO, Level


class Author:
    """A member that edits a Yjs text of its own and keeps everything that the room does to it."""

    def __init__(self, name: str = "anonymous", *, identity: Identity | None = None, client: int = 0) -> None:
        self.author = name
        self.writes = True
        self.identity = identity
        self.doc: Doc[Any] = Doc(client_id=client) if client else Doc()
        self.seen: list[bytes] = []
        self.diffs: list[bytes] = []
        self.presence: list[bytes] = []
        self.notices: list[bool] = []
        self.freezes: list[str] = []
        self.closed: CloseCode | None = None
        self.acknowledged = 0
        self._waiting: list[int] = []

    @property
    def text(self) -> str:
        return str(self.doc.get("text", type=Text))

    def type(self, room: Room, words: str) -> bytes:
        """Append `words` and send the update."""
        before = self.doc.get_state()
        text = self.doc.get("text", type=Text)
        text += words
        update = self.doc.get_update(before)
        self.send(room, update)
        return update

    def send(self, room: Room, update: bytes) -> None:
        self._waiting.append(room.apply(self, room.document.admit(update, room.held(self))))
        room.await_level(self)

    def show(self, update: bytes, frame: bytes, shown: bytes) -> None:
        self.seen.append(update)
        self.doc.apply_update(update)

    def tell(self, payload: bytes, frame: bytes, shown: bytes) -> None:
        self.presence.append(payload)

    def reached(self, position: int) -> bool:
        self.acknowledged += sum(waiting <= position for waiting in self._waiting)
        self._waiting = [waiting for waiting in self._waiting if waiting > position]
        return bool(self._waiting)

    def caught_up(self, update: bytes, presence: bytes | None) -> None:
        self.diffs.append(update)
        self.doc.apply_update(update)

    def recheck(self) -> None: ...

    def unrecorded(self, on: bool) -> None:
        self.notices.append(on)

    def frozen(self, reason: str) -> None:
        self.freezes.append(reason)

    def check(self, now: float) -> None: ...

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed = self.closed or code


def make_room(log: HeldLog, *, hold_unrecorded: bool = False, material: str = "m") -> Room:
    poisoned: list[bytes] = []
    room = Room(
        material,
        Document(),
        log,
        LocalBus(),
        ZERO,
        level=Level.RECORDED,
        limits=Limits(),
        hold_unrecorded=hold_unrecorded,
        on_poisoned=lambda room, guilty: (
            poisoned.append(guilty),
            room.close(CloseCode.UNAVAILABLE, "poisoned"),
        ),
    )
    return room


async def settle(room: Room) -> None:
    """Return when the room has nothing more on its way to the log."""
    for _ in range(1000):
        await asyncio.sleep(0.001)
        if room.is_settled:
            await asyncio.sleep(0.001)
            return
    raise AssertionError("the room does not settle")


async def pause() -> None:
    """Long enough for every flush that can happen."""
    await asyncio.sleep(0.05)
