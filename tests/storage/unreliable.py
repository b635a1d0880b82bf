"""A proxy that stands before an S3 server and fails in the ways that networks and stores do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Fault = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What happens to a connection instead of being passed on."""


class Proxy:
    """Passes connections on to `target`, a port of loopback, or does a fault to them.

    Attributes:
        fault: what happens to each request until this is None; applies to open connections at once.
        delay: seconds by which each piece of a request is late.
        faults: how many requests had one.
        url: its address.
        answer_limit: bytes of an answer after which the connection is cut; None for all.
        connections: that are open now.
    """

    def __init__(self, target: int) -> None:
        self.fault: Fault | None = None
        self.delay = 0.0
        self.faults = 0
        self.url = ""
        self.answer_limit: int | None = None
        self.connections = 0
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
        finally:
            self.connections -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", self._target)
        answers = asyncio.ensure_future(self._answers(there, writer))
        try:
            while data := await reader.read(65_536):
                if self.fault is not None:
                    self.faults += 1
                    await self.fault(reader, writer)
                    return
                await asyncio.sleep(self.delay)
                here.write(data)
                await here.drain()
        finally:
            answers.cancel()
            here.transport.abort()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.answer_limit
        with contextlib.suppress(OSError):
            while data := await there.read(65_536):
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                writer.write(data)
                await writer.drain()
                if left == 0:
                    self.faults += 1
                    writer.close()
                    return
        writer.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def proxy(target: int) -> AsyncIterator[Proxy]:
    """A proxy before the port `target`, on a free port."""
    one = Proxy(target)
    server = await asyncio.start_server(one._serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        server.close()
        await one.close()
        await server.wait_closed()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and answers nothing."""
    while await reader.read(65_536):
        pass


async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends the connection in the middle of a request."""
    writer.transport.abort()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a byte at a time, for ever, never silent."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


def answer(status: int, body: bytes = b"") -> Fault:
    """Answers every request with `status`."""

    async def fault(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.write_eof()
        await hang(reader, writer)  # the request must be read, or its sender sees a reset

    return fault
