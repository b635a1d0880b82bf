"""A client that asks for what it lacks, in the middle of others' typing, misses nothing."""

import asyncio
from functools import partial

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess

WRITERS = 4
EDITS = 300


async def _type(client: Client) -> None:
    text = client.doc.get("text", type=pycrdt.Text)
    for number in range(EDITS):
        await client.edit(partial(text.insert, len(text), f"{number} "))
        if number % 5 == 0:
            await asyncio.sleep(0)
    await client.until_saved()


async def _ask_again_and_again(client: Client) -> None:
    while True:
        await client.resync()


def _alike(one: Client, other: Client) -> bool:
    return one.doc.get_state() == other.doc.get_state()


@pytest.mark.anyio
async def test_nothing_is_missed_between_the_answer_and_the_next_edit(
    server: ServerProcess, room: str
) -> None:
    """The answer holds what was there when it was made; everything later has to come as updates."""
    writers = [Client(server.url, room) for _ in range(WRITERS)]
    asking = Client(server.url, room)
    for client in (*writers, asking):
        await client.connect()
    questions = asyncio.create_task(_ask_again_and_again(asking))

    await asyncio.gather(*map(_type, writers))
    questions.cancel()
    await asyncio.gather(questions, return_exceptions=True)

    for client in (*writers, asking):
        await client.until(partial(_alike, client, writers[0]))
    for client in (*writers, asking):
        await client.kill()
