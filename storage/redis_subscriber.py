"""Channels of Redis that somebody listens to, all over one connection that is renewed when it fails.

Sharded channels are used also where there is no cluster: a server of version 7 has them anyway.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import stamina
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from storage.redis_link import FAILURES, Server, call, disconnect, exchange, send
from storage.redis_scripts import Command

_PATIENCE = 3  # pings without an answer; counted, so that a pause of this process does not look like one
_PAUSE = 0.1  # seconds, before the connection is renewed
_logger = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Subscription:
    channel: str
    hear: Callable[[bytes], None]
    interrupted: Callable[[], None]
    ready: asyncio.Future[None]
    """Done when the server has confirmed it for the first time."""


class Subscriber:
    """Listens to any number of channels; nothing runs before the first.

    A server that answers nothing for 1.5 times its `timeout` counts as away.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._subscriptions: dict[str, _Subscription] = {}  # by channel
        self._asked: deque[_Subscription] = deque()  # confirmations that will come, in this order
        self._commands: list[Command] = []  # to be sent
        self._wake = asyncio.Event()  # there are commands
        self._unanswered = 0  # pings since the last sign of life
        self._connected = False
        self._task: asyncio.Task[None] | None = None

    async def subscribe(
        self, channel: str, hear: Callable[[bytes], None], interrupted: Callable[[], None] = lambda: None
    ) -> None:
        """Call `hear` with every message of `channel` sent after this has returned, until `unsubscribe`.

        After an outage `interrupted` is called once messages come again. One listener per channel. Raises
        FAILURES.
        """
        ready = asyncio.get_running_loop().create_future()
        subscription = _Subscription(channel, hear, interrupted, ready)
        self._subscriptions[channel] = subscription
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="redis-subscriber")
        elif self._connected:
            self._ask(subscription)
        try:
            async with asyncio.timeout(self._server.timeout):
                await ready
        except BaseException:
            if self._subscriptions.get(channel) is subscription:
                self.unsubscribe(channel)
            raise

    def unsubscribe(self, channel: str) -> None:
        """Hear nothing more of `channel`."""
        if self._subscriptions.pop(channel, None) is not None and self._connected:
            self._send(("SUNSUBSCRIBE", channel))

    def interrupt(self) -> None:
        """Tell all who listen that the server was away."""
        for subscription in list(self._subscriptions.values()):
            call(subscription.interrupted)

    async def close(self) -> None:
        """Let go of the connection; nothing is heard any more."""
        self._subscriptions.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            connection = await self._connect()
            try:
                await self._serve(connection)
            except* Exception as errors:  # noqa: BLE001 - whatever it was, a node without this hears nothing
                _logger.warning("redis subscriptions interrupted", error=str(errors.exceptions[0]))
            finally:
                self._connected = False
                await disconnect(connection)
            await asyncio.sleep(_PAUSE)

    async def _connect(self) -> AbstractConnection:
        """A connection, however long it takes; who waits for a first confirmation is told of each failure."""
        attempts = stamina.retry_context(
            on=FAILURES, attempts=None, timeout=None, wait_initial=0.1, wait_max=1.0, wait_jitter=0.1
        )
        async for attempt in attempts:
            with attempt:
                try:
                    return await self._open()
                except FAILURES as error:
                    for subscription in list(self._subscriptions.values()):
                        _settle(subscription, error)
                    raise
        raise AssertionError("unreachable: the attempts do not end")

    async def _open(self) -> AbstractConnection:
        connection = await self._server.connect()
        try:
            async with asyncio.timeout(self._server.timeout):
                await exchange(connection, [("PING",)])  # an error while it still loads its data
        except BaseException:
            await disconnect(connection)
            raise
        return connection

    async def _serve(self, connection: AbstractConnection) -> None:
        self._commands.clear()
        self._asked.clear()
        for subscription in self._subscriptions.values():
            self._ask(subscription)
        self._unanswered = 0
        self._connected = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._speak(connection))
            tasks.create_task(self._ping())
            tasks.create_task(self._listen(connection))

    def _ask(self, subscription: _Subscription) -> None:
        self._asked.append(subscription)
        # One command each: in a cluster the channels of one command must share a slot.
        self._send(("SSUBSCRIBE", subscription.channel))

    def _send(self, command: Command) -> None:
        self._commands.append(command)
        self._wake.set()

    async def _speak(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            commands, self._commands = self._commands, []
            await send(connection, commands)

    async def _ping(self) -> None:
        while self._unanswered < _PATIENCE:
            self._unanswered += 1
            self._send(("PING",))
            await asyncio.sleep(self._server.timeout / 2)
        raise TimeoutError("Redis does not answer")

    async def _listen(self, connection: AbstractConnection) -> None:
        while True:
            try:
                reply = await connection.read_response(timeout=math.inf)
            except ResponseError as error:
                self._refused(error)
            else:
                self._take(reply)
            self._unanswered = 0

    def _take(self, reply: list[bytes] | bytes) -> None:
        match reply:
            case [b"smessage", channel, message]:
                subscription = self._subscriptions.get(channel.decode())
                if subscription is not None:
                    call(subscription.hear, message)
            case [b"ssubscribe", *_]:
                self._confirmed(self._asked.popleft())

    def _confirmed(self, subscription: _Subscription) -> None:
        if self._subscriptions.get(subscription.channel) is not subscription:
            return  # unsubscribed meanwhile
        if subscription.ready.done():
            call(subscription.interrupted)
        else:
            subscription.ready.set_result(None)

    def _refused(self, error: ResponseError) -> None:
        if not self._asked or self._asked[0].ready.done():
            raise error  # a subscription that was confirmed before must not end in silence
        _settle(self._asked.popleft(), error)


def _settle(subscription: _Subscription, error: Exception) -> None:
    if not subscription.ready.done():
        subscription.ready.set_exception(error)
