"""Whoever joins while edits are on their way to the log misses none of them, and sees none too early."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pycrdt import Text

from collab.auth.grants import Grant, Role
from collab.participant import Participant
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


async def write(author: Author, words: str, at: int | None = None) -> None:
    author.insert(words, at)
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


async def test_a_participant_that_joins_is_shown_nothing_before_the_state_it_rests_on(server: Server) -> None:
    """The second and third update of an author, given to pycrdt before the first, would lose a letter."""
    ann = Author("ann", 1)
    await join(ann, server)
    await write(ann, "a")
    server.log.hold()
    await write(ann, "b")
    await write(ann, "c", at=1)
    room = await server.hub.open(MATERIAL)
    joining = asyncio.create_task(Participant.join(room, EDITOR))
    await pause()
    assert not joining.done()
    server.log.release()
    participant = await joining
    await pause()

    assert str(participant.doc.get("text", type=Text)) == "acb"
    participant.leave()
