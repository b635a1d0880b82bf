"""Drives tests/node/client.mjs: unmodified y-websocket clients in one Node process."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "node"

_PAUSE = 0.02  # seconds between two looks at a client


def install() -> None:
    """Install the pinned packages once. Raises RuntimeError without Node or when npm fails."""
    if shutil.which("npm") is None:
        raise RuntimeError("these tests need Node 20 and npm")
    if not (FOLDER / "node_modules" / "y-websocket").is_dir():
        subprocess.run(("npm", "ci"), cwd=FOLDER, check=True, capture_output=True)


class NodeClients:
    """Commands and answers as client.mjs describes them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._number = 0

    async def ask(self, command: str, client: str, **fields: Any) -> dict[str, Any]:
        """Send one command and return its answer. Raises RuntimeError with the error's stack."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._number += 1
        line = json.dumps({"id": self._number, "cmd": command, "client": client, **fields})
        self._process.stdin.write(line.encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        assert answer["id"] == self._number
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    async def connect(self, client: str, url: str, room: str, **fields: Any) -> None:
        """A new client, synced."""
        await self.ask("connect", client, url=url, room=room, **fields)
        await self.until(client, lambda state: state["synced"])

    async def until(
        self,
        client: str,
        condition: Callable[[dict[str, Any]], bool],
        command: str = "state",
        within: float = 20,
    ) -> dict[str, Any]:
        """Ask until the answer meets `condition`. Raises TimeoutError with the last answer."""
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(within):
                while not condition(answer := await self.ask(command, client)):
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise TimeoutError(f"{client}: {answer}") from None
        return answer


@asynccontextmanager
async def node_clients() -> AsyncIterator[NodeClients]:
    """A Node process for the time of a test."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "client.mjs",
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,  # a state can be a line of megabytes
    )
    try:
        yield NodeClients(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
