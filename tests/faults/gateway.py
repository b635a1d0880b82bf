"""A process between the nodes and a server that they use: it can freeze, as a network does, or refuse."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.servers import Server
from tests.storage.unreliable import answer, proxy

_ROOT = Path(__file__).parents[2]
_SCRIPT = f"import sys; sys.path[0] = {str(_ROOT)!r}; from tests.faults.gateway import main; main()"
_BUSY = answer(503, b"<Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>")


class Gateway(Server):
    """A gateway to `target`, a port. `pause` and `resume` (see Server) part the two sides.

    What was sent while they were parted arrives afterwards, as it does where a network lost packets.
    """

    def __init__(self, folder: Path, target: int) -> None:
        super().__init__(folder)
        self._target = target

    @property
    def port(self) -> int:
        """Where it listens, once it was started."""
        return int((self.folder / "port").read_text())

    @property
    def url(self) -> str:
        """For HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """See Server."""
        return [sys.executable, "-c", _SCRIPT, str(self._target), str(self.folder / "port")]

    def is_ready(self) -> bool:
        """See Server."""
        return (self.folder / "port").exists()

    def refuse(self) -> None:
        """Answer every HTTP request with 503 from now on."""
        os.kill(self.pid, signal.SIGUSR1)

    def allow(self) -> None:
        """Pass everything on again."""
        os.kill(self.pid, signal.SIGUSR2)


async def _serve(target: int, port: Path) -> None:
    async with proxy(target) as one:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, setattr, one, "fault", _BUSY)
        loop.add_signal_handler(signal.SIGUSR2, setattr, one, "fault", None)
        port.write_text(one.url.rpartition(":")[2])
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed; the arguments are the port to pass connections on to, and the file for its own."""
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
