"""Clients that type unique tokens and note what they send, see and are promised."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pycrdt
from websockets.exceptions import WebSocketException

from benchmarks.client import Client
from tests.faults.history import History

_LINE = 18  # bytes of a token and its line end

Doc = pycrdt.Doc[Any]


def tokens_of(doc: Doc) -> list[str]:
    """All tokens in a document: the values of its array and the lines of its text."""
    values = [str(value) for value in doc.get("tokens", type=pycrdt.Array)]
    return values + str(doc.get("text", type=pycrdt.Text)).splitlines()


def tokens_in(*updates: bytes) -> list[str]:
    """All tokens in the document that these updates make, in this order."""
    doc: Doc = pycrdt.Doc()
    for update in updates:
        doc.apply_update(update)
    return tokens_of(doc)


class Load:
    """Writers at some documents, and joiners that come and go.

    Attributes:
        documents: their names; odd ones are typed into a text, even ones into an array.
        writers: the writing clients.
    """

    def __init__(
        self,
        url: str,
        history: History,
        seed: int,
        *,
        documents: int = 5,
        writers: int = 4,
        rate: float = 20.0,
        retries: bool = False,
    ) -> None:
        """`writers` per document, each `rate` edits per second; `retries`: they survive a lost socket."""
        self.documents = [f"d{seed % 10**6:06}.{number}" for number in range(documents)]
        self.writers: list[Client] = []
        self._url = url
        self._history = history
        self._choose = random.Random(seed)
        self._each = writers
        self._rate = rate
        self._retries = retries
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[object] = []

    async def start(self) -> None:
        """Connect all writers, then start typing and joining."""
        for document in self.documents:
            for number in range(self._each):
                client = self._client(document, number)
                await client.connect()
                self.writers.append(client)
                self._tasks.add(asyncio.create_task(self._write(client, document, number)))
        self._tasks.add(asyncio.create_task(self._join()))

    async def finish(self) -> None:
        """Stop typing and wait until every writer's edits are saved."""
        await self._end_tasks()
        await asyncio.gather(*(writer.until_saved() for writer in self.writers))

    async def stop(self) -> None:
        """Cut everybody off for good, once all have read what the server had sent."""
        for writer in self.writers:
            writer.retries = False
        await self._end_tasks()
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.gather(*(writer.until(partial(_is_alone, writer), 0.2) for writer in self.writers))
        await asyncio.gather(*(writer.kill() for writer in self.writers))

    def _client(self, document: str, writer: int | None) -> Client:
        client = Client(self._url, document, retries=self._retries, on_saved=self._history.acknowledge)
        own = None if writer is None else f".{writer:02}."
        see = partial(self._see, document, own)
        for root in (client.doc.get("tokens", type=pycrdt.Array), client.doc.get("text", type=pycrdt.Text)):
            self._subscriptions.append(root.observe(see))
        return client

    def _see(self, document: str, own: str | None, event: Any) -> None:
        for change in event.delta:
            inserted = change.get("insert", [])
            for token in inserted.splitlines() if isinstance(inserted, str) else inserted:
                if own is None or own not in token:
                    self._history.see(token, document)

    async def _write(self, client: Client, document: str, writer: int) -> None:
        for number in count():
            token = f"{document}.{writer:02}.{number:04}"
            self._history.send(token, document)
            await client.edit(self._insertion(client.doc, document, token), token)
            await asyncio.sleep(self._choose.expovariate(self._rate))

    def _insertion(self, doc: Doc, document: str, token: str) -> Callable[[], None]:
        if int(document[-1]) % 2:
            text = doc.get("text", type=pycrdt.Text)
            line = self._choose.randint(0, len(text) // _LINE)
            return partial(text.insert, line * _LINE, token + "\n")
        array = doc.get("tokens", type=pycrdt.Array)
        return partial(array.insert, self._choose.randint(0, len(array)), token)

    async def _join(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            task = asyncio.create_task(self._visit(self._choose.choice(self.documents)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _visit(self, document: str) -> None:
        client = self._client(document, None)
        client.retries = False
        # The server may be gone; a visitor only looks.
        with contextlib.suppress(OSError, WebSocketException):
            await client.connect()
            await asyncio.sleep(self._choose.uniform(0, 0.5))
        await client.kill()

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()


def _is_alone(client: Client) -> bool:
    return not client.connected
