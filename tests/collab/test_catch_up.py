"""Whoever joins while edits are on their way to the log misses none of them, and sees none too early."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map

from collab.auth.grants import Grant, Role
from collab.participant import Participant
from collab.room import Room
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from tests.collab.harness import pause
from tests.collab.oracle import MATERIAL, Author, Server

pytestmark = pytest.mark.anyio

EDITOR = Grant("tutor", "Tutor", Role.EDITOR)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(MemoryLog(), MemoryObjects(), tmp_path)
    yield server
    await server.crash()


async def write(author: Author, words: str) -> None:
    author.insert(words)
    author.deliver_all()
    await pause()


async def join(author: Author, server: Server) -> None:
    await author.connect(server)
    author.deliver_all()
    await pause()


async def test_a_joiner_misses_nothing_of_a_flush_that_is_being_gathered(server: Server) -> None:
    ann, ben = Author("ann", 1), Author("ben", 2)
    await join(ann, server)
    server.log.hold()
    await write(ann, "one ")  # its append is held
    await write(ann, "two ")  # gathers for the next one
    await join(ben, server)
    await write(ann, "three")
    server.log.release()
    await pause()
    ben.read_all()

    assert ben.text == ann.text == "one two three"


async def test_a_reader_that_asks_again_misses_nothing(server: Server) -> None:
    ann, ben = Author("ann", 1), Author("ben", 2)
    await join(ann, server)
    await join(ben, server)
    server.log.hold()
    await write(ann, "one ")
    await write(ann, "two ")
    for _ in range(2):
        ben.resync()
        ben.deliver_all()
        await pause()
        await write(ann, "more ")
    server.log.release()
    await pause()
    ben.read_all()

    assert ben.text == ann.text


class Watched(Participant):
    """A participant that notes what it shows after each edit of others."""

    def __init__(self, room: Room, grant: Grant) -> None:
        super().__init__(room, grant)
        self.states: list[dict[str, int]] = []

    def show(self, update: bytes, frame: bytes, shown: bytes) -> None:
        super().show(update, frame, shown)
        self.states.append(self.doc.get("map", type=Map).to_py() or {})


async def test_a_participant_that_joins_is_shown_nothing_before_the_state_it_rests_on(server: Server) -> None:
    """pycrdt would show the second edit of an author it does not know without the first."""
    ann = Author("ann", 1)
    await join(ann, server)
    joining: asyncio.Task[Watched] | None = None
    for number, key in enumerate("abc"):
        ann.change(partial(_set, key=key, number=number))
        ann.deliver_all()
        await pause()
        if number == 0:
            server.log.hold()
        if number == 1:
            joining = asyncio.create_task(Watched.join(await server.hub.open(MATERIAL), EDITOR))
    assert joining is not None
    assert not joining.done()
    server.log.release()
    participant = await joining
    await pause()

    assert all(sorted(state) == list("abc")[: len(state)] for state in participant.states)
    assert participant.states[-1] == {"a": 0, "b": 1, "c": 2}
    participant.leave()


def _set(doc: Doc[Any], key: str, number: int) -> None:
    doc.get("map", type=Map)[key] = number
