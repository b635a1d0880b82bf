"""Stands between a client and a server and loses what it is told to lose."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from benchmarks.bench import wire
from benchmarks.bench.target import Target

Loses = Callable[[bytes], bool]
"""Whether this message from the server is lost."""


@contextlib.asynccontextmanager
async def losing(target: Target, loses: Loses) -> AsyncIterator[Target]:
    """`target` behind a proxy."""
    address = urlsplit(target.urls[0])

    ways: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ways.add(task)
        up_reader, up_writer = await asyncio.open_connection(address.hostname, address.port)
        up = asyncio.create_task(_copy(reader, up_writer))
        try:
            await _filter(up_reader, writer, loses)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            up.cancel()
            for end in (writer, up_writer):
                end.transport.abort()
            await asyncio.gather(up, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield replace(target, urls=(f"ws://127.0.0.1:{port}{address.path}",))
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways)
        await asyncio.sleep(0)  # aborted transports close their sockets in the next turn


async def _filter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, loses: Loses) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        rest = b""
        while data := await reader.read(1 << 16):
            frames, rest = wire.split(rest + data)
            for opcode, payload in frames:
                if opcode != wire.BINARY or not loses(payload):
                    writer.write(_unmasked(opcode, payload))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)


def _unmasked(opcode: int, payload: bytes) -> bytes:
    frame = bytearray(wire.masked(payload, bytes(4), opcode))  # a key of zeros changes nothing
    frame[1] &= 0x7F
    at = {126: 4, 127: 10}.get(frame[1], 2)
    del frame[at : at + 4]
    return bytes(frame)
