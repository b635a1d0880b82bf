"""What nodes tell each other over the bus, beside the log: who is where, and that they live."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import NamedTuple

import msgpack  # type: ignore[import-untyped]

from collab.logs import log
from collab.protocol.lib0 import MAX_SAFE_INTEGER
from storage.base import Bus
from storage.errors import StorageError

ASK = b"\x00"
"""A room was opened: whoever has members in it may tell who they are."""
SNAPSHOT = b"\x01"
"""A snapshot was made."""

_TOPIC = ""  # of the nodes themselves; no material has this id
_BEAT = 1.0  # seconds between two signs of life
_SILENCE = 5.0  # seconds after which a node counts as dead


class Visible(NamedTuple):
    """One member's presence, as its node tells the others."""

    client: int
    state: bytes | None
    """The stamped JSON; None: it is gone."""
    subject: str
    name: str
    role: str
    """With subject and name: the identity, all empty where the server stamps none."""
    writes: bool
    wrote: bool
    """It has written under this client id."""


_TYPES = (int, bytes | None, str, str, str, bool, bool)  # of the fields of Visible


def encode(members: list[Visible], clock: int) -> bytes:
    """The message that tells of `members`, and of the newest presence clock that this node gave out."""
    packed: bytes = msgpack.packb((clock, members))
    return packed


def decode(message: bytes) -> tuple[list[Visible], int]:
    """What `encode` was given; nothing for anything else, since a lost message does no harm."""
    try:
        clock, members = msgpack.unpackb(message)
        visible = [Visible(*fields) for fields in members]
    except (ValueError, TypeError):
        return [], 0
    if _is_number(clock) and all(map(_is_sound, visible)):
        return visible, clock
    return [], 0


def _is_sound(member: Visible) -> bool:
    """Whether clients can be told of it."""
    return _is_number(member.client) and all(map(isinstance, member, _TYPES))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_SAFE_INTEGER


class Peers:
    """The other nodes: gives a sign of life every second, and notices who has stopped to.

    `on_gone` is told the name of a node that has died; `on_gap` that this node itself was away for so long
    that the others have forgotten it.
    """

    def __init__(self, bus: Bus, on_gone: Callable[[str], None], on_gap: Callable[[], None]) -> None:
        self._bus = bus
        self._on_gone = on_gone
        self._on_gap = on_gap
        self._heard: dict[str, float] = {}  # event-loop time, by node

    @property
    def nodes(self) -> list[str]:
        """The others that live."""
        return sorted(self._heard)

    async def run(self) -> None:
        """Beat until cancelled; then say goodbye."""
        loop = asyncio.get_running_loop()
        await self._subscribe()
        beaten = loop.time()
        try:
            while True:
                self._bus.publish(_TOPIC, b"\x01")
                await asyncio.sleep(_BEAT)
                now = loop.time()
                if now - beaten > _SILENCE:
                    self._on_gap()
                beaten = now
                self._bury(now)
        finally:
            with contextlib.suppress(StorageError):
                self._bus.publish(_TOPIC, b"\x00")

    async def _subscribe(self) -> None:
        while True:
            try:
                await self._bus.subscribe(_TOPIC, self._hear)
            except StorageError:
                await asyncio.sleep(_BEAT)
            else:
                return

    def lives(self, node: str) -> None:
        """Something came from `node`, whose members are known from now on: it must be missed if it dies."""
        self._heard[node] = asyncio.get_running_loop().time()

    def _hear(self, node: str, message: bytes) -> None:
        if message == b"\x01":
            self.lives(node)
        elif self._heard.pop(node, None) is not None:
            self._on_gone(node)

    def _bury(self, now: float) -> None:
        for node in [node for node, heard in self._heard.items() if now - heard > _SILENCE]:
            log.warning("node is silent", node=node)
            del self._heard[node]
            self._on_gone(node)
