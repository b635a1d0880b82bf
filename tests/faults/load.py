"""Clients that type unique tokens and note what they send, see and are promised."""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, cycle
from typing import Any

import pycrdt
from websockets.exceptions import WebSocketException

from benchmarks.client import WAIT, Client
from tests.faults.history import History
from tests.faults.system import Pace

_LINE = 18  # bytes of a token and its line end
_BURST = 5  # edits that a writer sends without a pause

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


class RoamingClient(Client):
    """A client that opens every socket at the next of several servers, in turn, the first at `urls[0]`."""

    def __init__(self, urls: Sequence[str], room: str, **options: Any) -> None:
        super().__init__(urls[0], room, **options)
        self._addresses = cycle([f"{url}/{room}" for url in urls])

    async def _open(self) -> None:
        self.address = next(self._addresses)
        await super()._open()


class WatchedClient(RoamingClient):
    """A roaming client whose acknowledgements, absences and warnings go into a history."""

    def __init__(self, urls: Sequence[str], room: str, history: History, **options: Any) -> None:
        super().__init__(urls, room, on_saved=history.acknowledge, **options)
        self._history = history
        self._absent: float | None = None  # since when

    def _control(self, body: dict[str, Any]) -> None:
        super()._control(body)
        if body["type"] == "unrecorded":
            self._history.announce(self.address, on=self.unrecorded)

    def _lost(self) -> None:
        self._forget_warning()
        super()._lost()
        self._absent = time.monotonic()

    async def _end(self, *, polite: bool) -> None:
        self._forget_warning()
        await super()._end(polite=polite)

    def _forget_warning(self) -> None:
        if self.unrecorded:
            self._history.announce(self.address, on=False)

    async def _receive(self, frame: bytes) -> None:
        await super()._receive(frame)
        if self._absent is not None and self.synced:
            self._history.come_back(self.address, self._absent)
            self._absent = None


class Load:
    """Writers at some documents, spread over the servers, and joiners that come and go.

    Attributes:
        documents: their names; odd ones are typed into a text, even ones into an array.
        writers: the writing clients.
    """

    def __init__(
        self,
        urls: Sequence[str],
        history: History,
        seed: int,
        *,
        pace: Pace = "steady",
        documents: int = 5,
        writers: int = 4,
        rate: float = 20.0,
        retries: bool = False,
    ) -> None:
        """`writers` per document, each `rate` edits per second on average at either pace.

        Each client starts at the next of `urls`. `retries`: writers survive a lost socket, and go on at
        the next server.
        """
        self.documents = [f"d{seed % 10**6:06}.{number}" for number in range(documents)]
        self.writers: list[Client] = []
        self._urls = deque(urls)
        self._history = history
        self._choose = random.Random(seed)
        self._each = writers
        self._rate = rate
        self._bursts = pace == "bursts"
        self._beat = asyncio.Event()  # set for an instant at the start of each burst
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
        self._tasks.add(asyncio.create_task(self._keep_beat()))

    async def burst(self) -> None:
        """Return when the next burst begins."""
        await self._beat.wait()

    async def finish(self) -> None:
        """Stop typing and wait until every writer's edits are saved."""
        await self._end_tasks()
        await asyncio.gather(*(writer.until_saved() for writer in self.writers))

    async def agree(self) -> None:
        """Wait until all writers of each document hold the same. Raises TimeoutError."""
        async with asyncio.timeout(WAIT):
            for first in range(0, len(self.writers), self._each):
                while not _equal(self.writers[first : first + self._each]):
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Cut everybody off for good, once all have read what the server had sent."""
        for writer in self.writers:
            writer.retries = False
        await self._end_tasks()
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.gather(*(writer.until(partial(_is_alone, writer), 0.2) for writer in self.writers))
        await asyncio.gather(*(writer.kill() for writer in self.writers))

    def _client(self, document: str, writer: int | None) -> Client:
        client = WatchedClient(self._urls, document, self._history, retries=self._retries)
        self._urls.rotate(-1)
        own = None if writer is None else f".{writer:02}."
        see = partial(self._see, client, document, own)
        for root in (client.doc.get("tokens", type=pycrdt.Array), client.doc.get("text", type=pycrdt.Text)):
            self._subscriptions.append(root.observe(see))
        return client

    def _see(self, client: Client, document: str, own: str | None, event: Any) -> None:
        for change in event.delta:
            inserted = change.get("insert", [])
            for token in inserted.splitlines() if isinstance(inserted, str) else inserted:
                if own is None or own not in token:
                    self._history.see(token, document, unrecorded=client.unrecorded)

    async def _write(self, client: Client, document: str, writer: int) -> None:
        for number in count():
            token = f"{document}.{writer:02}.{number:04}"
            self._history.send(token, document)
            await client.edit(self._insertion(client.doc, document, token), token)
            await self._pause(number)

    async def _pause(self, number: int) -> None:
        """Between an edit and the next one."""
        if not self._bursts:
            await asyncio.sleep(self._choose.expovariate(self._rate))
        elif number % _BURST == _BURST - 1:
            await self._beat.wait()
        else:
            await asyncio.sleep(0)  # what has come is read meanwhile

    async def _keep_beat(self) -> None:
        mean = _BURST / self._rate
        while True:
            await asyncio.sleep(self._choose.uniform(0.5 * mean, 1.5 * mean))
            self._beat.set()
            self._beat.clear()

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


def _equal(clients: Sequence[Client]) -> bool:
    return len({tuple(tokens_of(client.doc)) for client in clients}) == 1


def _is_alone(client: Client) -> bool:
    return not client.connected
