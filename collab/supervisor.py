"""Several nodes on one machine behind one port: starts them, replaces those that die, restarts them in turn.

The nodes are ordinary servers whose sockets share the port (SO_REUSEPORT): the system spreads connections.
SIGTERM stops all of them, SIGHUP restarts one after the other.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine

from collab.errors import StartError
from collab.listening import address_of, bind
from collab.logs import configure, log
from collab.settings import Settings

_COMMAND = (sys.executable, "-c", "from collab.cli import main; main()", "serve")
_READY = b"StudyHub ready: "
_START = 60.0  # seconds that one start may take
_STOP = 30.0  # seconds that a stop may take beside the draining
_PAUSES = (0.5, 10.0)  # seconds before a node that died is started again: first, longest
_LIVED = 30.0  # seconds after which a death is not counted together with the one before


def supervise(settings: Settings) -> None:
    """Run `settings.workers` nodes until a signal comes. Raises StartError, or SystemExit as a node did."""
    configure(as_json=settings.log_json)
    bind(settings.host, settings.port).close()  # sharing a port would not notice a stranger on it
    with bind(settings.host, settings.port, shared=True) as reserved:
        port = reserved.getsockname()[1]
        code = asyncio.run(_Supervisor(settings, port).run(address_of(settings.host, reserved)))
    if code:
        raise SystemExit(code)


class _Node:
    """One node's process."""

    def __init__(self, number: int, settings: Settings, port: int) -> None:
        self.number = number
        self.expected = False  # to end
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._starting = asyncio.Lock()  # a death and a restart may both ask for it
        self._patience = 3 * settings.drain_seconds + _STOP
        self._arguments = ("--host", settings.host, "--port", str(port), "--data", str(settings.data))

    async def start(self) -> None:
        """Start it, unless it runs, and wait until it serves. Raises StartError."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()
            self.expected = False

    async def _start(self) -> None:
        self._ready.clear()
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,  # its end tells the node that nobody looks after it any more
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "STUDYHUB_WORKERS": "1", "STUDYHUB_WORKER": str(self.number)},
        )
        self._output = asyncio.create_task(self._read(self._process))
        ended = asyncio.create_task(self._process.wait())
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([ended, ready], timeout=_START, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        ready.cancel()
        if not self._ready.is_set():
            await self.stop()
            raise StartError(f"node {self.number} did not start")

    async def wait(self) -> int:
        """Wait for its end; its exit status."""
        assert self._process is not None, "it was started"
        return await self._process.wait()

    async def stop(self) -> int:
        """Let it drain and end, or end it where it hangs; its exit status."""
        self.expected = True
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self._process.wait(), self._patience)
        except TimeoutError:
            log.error("node hangs and is killed", number=self.number)
            self._process.kill()
            code = await self._process.wait()
        # One that is still starting dies of the signal, and has nothing to drain.
        return code if self._ready.is_set() or code != -signal.SIGTERM else 0

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if line.startswith(_READY):
                self._ready.set()
            else:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()


class _Supervisor:
    def __init__(self, settings: Settings, port: int) -> None:
        self._nodes = [_Node(number, settings, port) for number in range(1, settings.workers + 1)]
        self._stopping = asyncio.Event()
        self._guards: list[asyncio.Task[None]] = []  # once all nodes serve
        self._restarting: asyncio.Task[None] | None = None

    async def run(self, url: str) -> int:
        """Serve until told to stop; the worst exit status. Raises StartError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restart)
        try:
            # One after the other: what is wrong with the settings is said once.
            for node in self._nodes:
                await self._unless_stopping(node.start())
            self._guards = [asyncio.create_task(self._look_after(node)) for node in self._nodes]
            if not self._stopping.is_set():
                print(f"StudyHub ready: {url}", flush=True)  # noqa: T201 - the line that programs wait for
            await self._stopping.wait()
            for guard in self._guards:
                guard.cancel()
        finally:
            if self._restarting is not None:
                self._restarting.cancel()
            codes = await asyncio.gather(*(node.stop() for node in self._nodes))
        return max(codes, key=abs)

    async def _unless_stopping(self, work: Coroutine[None, None, None]) -> None:
        task, stop = asyncio.ensure_future(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
        else:
            task.cancel()

    async def _look_after(self, node: _Node) -> None:
        """Start a node anew whenever it has died."""
        loop = asyncio.get_running_loop()
        pause = _PAUSES[0]
        while True:
            started = loop.time()
            code = await node.wait()
            if not node.expected:
                if loop.time() - started > _LIVED:
                    pause = _PAUSES[0]
                log.error("node died", number=node.number, status=code, restart=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
                await self._try_start(node)
            else:
                await asyncio.sleep(0.1)  # a restart is under way

    def _restart(self) -> None:
        if self._guards and (self._restarting is None or self._restarting.done()):
            self._restarting = asyncio.create_task(self._restart_all())

    async def _restart_all(self) -> None:
        for node in self._nodes:
            log.info("node restarts", number=node.number)
            await node.stop()
            await self._try_start(node)

    async def _try_start(self, node: _Node) -> None:
        try:
            await node.start()
        except StartError as error:
            log.error("node not started", number=node.number, error=str(error))
            node.expected = False  # try again
