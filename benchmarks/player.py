"""Sends the steps of a recorded session over sockets, each when its client has seen what it rests on."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pycrdt

from benchmarks import deletions
from benchmarks.authoring import ROOT, Step, client_id
from benchmarks.client import Client
from collab.protocol.ywebsocket import decode_state_vector

_SETTLE = 5.0  # seconds that deletions may take to arrive after everything else


class Player:
    """One client with its share of the steps.

    Attributes:
        client: a connected client.
        sent: updates sent.
        sent_bytes: their bytes.
    """

    def __init__(self, client: Client, steps: list[Step], window: int, *, plain: bool) -> None:
        """`window` is how many edits may wait for their acknowledgement."""
        self.client = client
        self.sent = 0
        self.sent_bytes = 0
        self._steps = steps
        self._window = window
        self._plain = plain
        self._clocks: dict[int, int] = {}

    async def play(self, own: list[int], done: Callable[[], object]) -> None:
        """Send the steps with these indexes, in order. Raises TimeoutError when one never becomes ready."""
        for index in own:
            step = self._steps[index]
            for parent in step.awaits:
                await self._received(self._steps[parent])
            if not step.is_empty:
                await self._room_in_window()
                await self.client.send_update(step.update)
                self.sent += 1
                self.sent_bytes += len(step.update)
            done()
        await self.client.until_saved()

    async def settle(self, content: str) -> str:
        """Wait for all clocks, then for `content`; returns the text that the client ends with.

        Raises TimeoutError when an insertion never arrives.
        """
        await self._wait(self._has_all_clocks)
        with contextlib.suppress(TimeoutError):  # the caller compares the text and reports what differs
            await self.client.until(lambda: text_of(self.client) == content, _SETTLE)
        return text_of(self.client)

    async def _received(self, parent: Step) -> None:
        if parent.is_deletion:
            wanted = deletions.read(parent.update)
            await self._wait(lambda: deletions.holds(_deleted(self.client.doc), wanted))
        elif self._clocks.get(client_id(parent.author), 0) < parent.clock:
            await self._wait(lambda: self._reached(parent.author, parent.clock))

    async def _wait(self, condition: Callable[[], bool]) -> None:
        """As `Client.until`, for as long as others' edits keep coming."""
        while True:
            before = self.client.doc.get_state()
            try:
                return await self.client.until(condition)
            except TimeoutError:
                if self.client.doc.get_state() == before:
                    raise TimeoutError("edits of another client never arrived") from None

    async def _room_in_window(self) -> None:
        if self._plain:
            if self.sent % self._window == self._window - 1:
                await self.client.resync()
        elif self.client.unsaved >= self._window:
            await self.client.until(lambda: self.client.unsaved <= self._window // 2)

    def _reached(self, author: int, clock: int) -> bool:
        self._clocks = decode_state_vector(self.client.doc.get_state())
        return self._clocks.get(client_id(author), 0) >= clock

    def _has_all_clocks(self) -> bool:
        ends = {step.author: step.clock for step in self._steps}
        return all(self._reached(author, clock) for author, clock in ends.items())


async def play(players: list[Player], steps: list[Step], done: Callable[[], object]) -> None:
    """Play all steps; author n's go to player n modulo their number. Raises what the first player raised."""
    shares: list[list[int]] = [[] for _ in players]
    for index, step in enumerate(steps):
        shares[step.author % len(players)].append(index)
    try:
        async with asyncio.TaskGroup() as group:
            for player, own in zip(players, shares, strict=True):
                group.create_task(player.play(own, done))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def text_of(client: Client) -> str:
    """The shared text of a client."""
    return str(client.doc.get(ROOT, type=pycrdt.Text))


def _deleted(doc: pycrdt.Doc[Any]) -> deletions.Deletions:
    # Nothing is newer than the document's own state, so the update holds its deletions alone.
    return deletions.read(doc.get_update(doc.get_state()))
