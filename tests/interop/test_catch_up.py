"""A client that asks for what it lacks, in the middle of everybody's typing, misses nothing."""

import asyncio
from functools import partial

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from collab.protocol.ywebsocket import decode_state_vector

WRITERS = 6
EDITS = 1200
EVERY = 60  # edits between two questions


async def _type_and_ask(client: Client) -> None:
    text = client.doc.get("text", type=pycrdt.Text)
    for number in range(EDITS):
        await client.edit(partial(text.insert, len(text), f"{number} "))
        if number % EVERY == 0:
            await client.resync()


def _clocks(client: Client) -> dict[int, int]:
    return decode_state_vector(client.doc.get_state())


def _has(client: Client, clocks: dict[int, int]) -> bool:
    return _clocks(client) == clocks


@pytest.mark.anyio
async def test_nothing_is_missed_between_an_answer_and_the_next_edit(
    server: ServerProcess, room: str
) -> None:
    """The answer holds what was there when it was made; everything later has to come as updates."""
    writers = [Client(server.url, room, plain=True) for _ in range(WRITERS)]
    for writer in writers:
        await writer.connect()

    await asyncio.gather(*map(_type_and_ask, writers))
    everything = {writer.doc.client_id: _clocks(writer)[writer.doc.client_id] for writer in writers}

    for writer in writers:
        await writer.until(partial(_has, writer, everything))
        await writer.kill()
