"""Our uvicorn WebSocket protocol: stock uvicorn, with a bound on strangers and better ways to end.

The endpoint reaches it through extensions in the ASGI scope. Other ASGI servers lack them: there a stranger
may send as much as everybody, and a peer that reads nothing keeps its socket for longer.
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

ABORT = "studyhub.abort"
"""Extension of the WebSocket scope: a function that drops the connection at once.

Ending the ASGI call closes the transport, which waits until everything is written; a peer that never reads so
keeps its socket and buffers for good.
"""

ADMIT = "studyhub.admit"
"""Extension of the WebSocket scope: a function that ends the bound on what the client sends.

Until it is called the client is a stranger. Up to the end of its first message it may send `stranger_bytes`,
in frames of every kind; what comes behind that is read when the endpoint has taken it, and so decides.
"""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=partial(WebSocketProtocol, stranger_bytes=...))`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        stranger_bytes: int,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = self._parser = _Parser(stranger_bytes, config.ws_max_size)
        self._left: int | None = stranger_bytes  # that a stranger may still send; None is without bound

    def handle_connect(self, event: Request) -> None:
        """Begin the ASGI call, with the extensions in its scope."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was good
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions |= {ABORT: self.transport.abort, ADMIT: self._admit}

    def data_received(self, data: bytes) -> None:
        """Read on, unless a stranger has sent too much."""
        connected = self.handshake_initiated
        super().data_received(data)
        if self._left is None or not connected or (self._parser.heard and not self.close_sent):
            return
        self._left -= len(data)
        if self._left < 0:
            self._left = None
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too much before a hello or token")
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Say why, and read into nothing until the peer closes.

        Closing over unread bytes would reset the connection, and the reason would be lost on the way.
        """
        reason = self.conn.close_sent
        if reason is None:  # the handshake has not been answered
            self.transport.abort()
            return
        if not self.close_sent:  # otherwise the endpoint has closed, and its timer runs
            self.close_sent = True
            self.queue.put_nowait(
                {"type": "websocket.disconnect", "code": reason.code, "reason": reason.reason}
            )
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def _admit(self) -> None:
        self._left = None
        self._parser.max_message_size = self.config.ws_max_size


class _Parser(ServerProtocol):
    """websockets' parser; the bound on the first message is another than on those behind it.

    Attributes:
        heard: whether a message has come.
    """

    def __init__(self, first: int, later: int) -> None:
        super().__init__(max_size=min(first, later))
        self.heard = False
        self._later = later

    def recv_frame(self, frame: Frame) -> None:
        """Take in a frame. The next one may stand in the same read, before the endpoint hears of this one."""
        super().recv_frame(frame)
        if frame.fin and frame.opcode in DATA_OPCODES:
            self.heard = True
            self.max_message_size = self._later
