"""Messages between nodes through Redis or Valkey. What cannot be sent at once is lost."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

import msgpack  # type: ignore[import-untyped]
import structlog

from storage.redis_link import FAILURES, Link, Server, unavailable
from storage.redis_scripts import key
from storage.redis_subscriber import Subscriber

_MAX_QUEUED = 2**20  # bytes of messages that wait; beyond it the oldest are dropped

_logger = structlog.get_logger(__name__)


class RedisBus:
    """A Bus on the server at `url`, as RedisLog takes it; `timeout` and `prefix` as there."""

    def __init__(self, url: str, node: str, *, timeout: float = 2.0, prefix: str = "sh") -> None:
        self.node = node
        self._prefix = prefix
        server = Server(url, timeout)
        self._link = Link(server)
        self._subscriber = Subscriber(server)
        self._queue: deque[tuple[str, bytes]] = deque()  # channels and messages to be sent
        self._queued = 0  # their bytes
        self._away = False  # the last attempt to send failed
        self._task: asyncio.Task[None] | None = None  # sends what is queued

    def publish(self, topic: str, message: bytes) -> None:
        """See Bus."""
        packed = msgpack.packb((self.node, message))
        self._queue.append((self._channel(topic), packed))
        self._queued += len(packed)
        while self._queued > _MAX_QUEUED:
            self._queued -= len(self._queue.popleft()[1])
        if self._task is None:
            self._task = asyncio.create_task(self._send_all(), name="redis-bus")

    async def subscribe(self, topic: str, listener: Callable[[str, bytes], None]) -> None:
        """See Bus."""
        try:
            await self._subscriber.subscribe(self._channel(topic), partial(self._hear, listener))
        except FAILURES as error:
            raise unavailable("subscribe", topic, error) from error

    def unsubscribe(self, topic: str) -> None:
        """See Bus."""
        self._subscriber.unsubscribe(self._channel(topic))

    async def close(self) -> None:
        """See Bus; what is queued is sent, if the server answers."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._subscriber.close()
        await self._link.close()

    async def _send_all(self) -> None:
        try:
            while self._queue:
                messages = list(self._queue)
                self._queue.clear()
                self._queued = 0
                await self._send(messages)
        finally:
            self._task = None

    async def _send(self, messages: list[tuple[str, bytes]]) -> None:
        try:
            replies = await self._link.exchange([("SPUBLISH", *message) for message in messages])
            error = next((reply for reply in replies if isinstance(reply, Exception)), None)
        except FAILURES as failure:
            error = failure
        if error is not None and not self._away:
            _logger.warning("messages to other nodes are lost", error=str(error) or "no answer in time")
        self._away = error is not None

    def _hear(self, listener: Callable[[str, bytes], None], packed: bytes) -> None:
        sender, message = msgpack.unpackb(packed)
        if sender != self.node:
            listener(sender, message)

    def _channel(self, topic: str) -> str:
        return f"{key(self._prefix, topic)}:bus"
