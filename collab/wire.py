"""Our uvicorn WebSocket protocol: stock uvicorn, with a short way for messages and a bound on strangers.

The endpoint reaches it through extensions in the ASGI scope. Other ASGI servers lack them: there each message
goes through queues and tasks, a stranger may send as much as everybody, and a peer that reads nothing keeps
its socket for longer.

Bytes are cut into frames here. A whole binary message goes straight to the peer that is attached; every other
frame (control, fragments, what breaks the rules) goes, complete, to the parser of `websockets`, which always
stands between two frames when a message passes it by.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.speedups import apply_mask

WIRE = "studyhub.wire"
"""Extension of the WebSocket scope: the protocol object itself."""

ADMIT = "studyhub.admit"
"""Extension of the WebSocket scope: a function that ends the bound on what the client sends.

Until it is called the client is a stranger. Up to the end of its first message it may send `stranger_bytes`,
in frames of every kind; what comes behind that is read when the endpoint has taken it, and so decides.
"""


_MAX_UNREAD = 16 << 20  # bytes that wait to be written when a ping comes; more than any honest client leaves
_BINARY = 0x82  # first byte of a whole binary message
_MASKED = 0x80
_OPCODE = 0x0F


class Peer(Protocol):
    """Who is served by one connection. Nothing may be raised."""

    def received_text(self) -> None:
        """A text message came."""

    def choked(self, on: bool) -> None:
        """More waits to be written than should; or no longer."""

    def lost(self) -> None:
        """The connection is gone, or the client broke the rules and was told so."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=partial(WebSocketProtocol, stranger_bytes=...))`.

    Attributes:
        takes_receiver: whether `attach` may be called.
    """

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
        self.takes_receiver = False
        self._peer: Peer | None = None
        self._take: Callable[[bytes], None] = _pass_over  # a binary message
        self._paused = False  # by the peer
        self._held = bytearray()  # the beginning of a frame, or what waits while paused
        self._need = 2  # bytes that there must be before it is worth looking
        self._fragmented = False  # a message has begun that ends in a later frame
        self._failed = False  # the client broke the rules, or said too much: nothing more is read

    def handle_connect(self, event: Request) -> None:
        """Begin the ASGI call, with the extensions in its scope."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was good
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions |= {WIRE: self, ADMIT: self._admit}

    def data_received(self, data: bytes) -> None:
        """Read on, unless a stranger has sent too much."""
        if self._failed:
            return  # what is still under way is not even cut into frames
        if self.takes_receiver and self._left is None:
            self._cut(data)
            return
        connected = self.handshake_initiated
        if self.takes_receiver:
            self._cut(data)
        else:
            super().data_received(data)
            # What came behind the handshake in one piece with it is with the parser, perhaps half a frame.
            self.takes_receiver = self.handshake_initiated and not connected and data.endswith(b"\r\n\r\n")
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
        self._failed = True
        self._held.clear()
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
        if self.read_paused or self._paused:
            self.read_paused = self._paused = False
            self.transport.resume_reading()
        if self._peer is not None:
            self._peer.lost()

    # The short way

    def attach(self, peer: Peer, take: Callable[[bytes], None]) -> None:
        """Hand binary messages to `take` and all else to `peer`, first what nobody has taken yet.

        `take` raises nothing.
        """
        self._peer, self._take = peer, take
        if not self.writable.is_set():  # it choked before there was a peer, and does not say so again
            peer.choked(True)
        self._hand_over_early()
        if self.read_paused:
            self.read_paused = False
            if not self._paused:
                self.transport.resume_reading()

    async def run_asgi(self) -> None:
        """The ASGI call. It may return while a peer is served; stock uvicorn closes the connection then."""
        try:
            await self.app(self.scope, self.receive, self.send)
            if self._peer is not None:
                self._shed()
                return
            if not self.handshake_complete:
                self.logger.error("the endpoint has not answered the handshake")
                self.send_500_response()
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self.send_500_response()
        if self.close_timer is None:
            self.transport.close()

    def _shed(self) -> None:
        """Let go of what the ASGI call alone needed, a third of an idle connection's memory."""
        if self.queue.empty():
            self.scope.clear()  # type: ignore[attr-defined]
            self.queue, self.writable = _NOWHERE, _ALWAYS
            del self.request, self.response

    def _hand_over_early(self) -> None:
        """What came before there was a peer waits in the queue of the ASGI call."""
        while not self.queue.empty() and not self._paused and self._peer is not None:
            event = self.queue.get_nowait()
            if event["type"] == "websocket.disconnect":
                self._peer.lost()
            elif event.get("bytes") is not None:
                self._take(event["bytes"])  # type: ignore[arg-type, typeddict-item]
            else:
                self._peer.received_text()

    def detach(self) -> None:
        """Drop all binary messages from here on."""
        self._take = _pass_over

    def write(self, frames: bytes) -> None:
        """Write whole frames, if the connection is open."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(frames)

    def pause(self) -> None:
        """Hand over no message until `resume`."""
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Hand over messages again."""
        if self._paused:
            self._paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
            self.loop.call_soon(self._cut, b"")

    def finish(self, code: int, reason: str) -> None:
        """Send a close frame, and let the client answer it."""
        self.resume()  # the client's own close frame may wait behind messages
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def send_receive_event_to_app(self) -> None:
        """A message that came in fragments, or as text."""
        if self._peer is None or self.close_sent:
            super().send_receive_event_to_app()
        elif self.curr_msg_data_type == "text":
            self._peer.received_text()
        else:
            frames, self.frames = self.frames, []
            self._take(b"".join(frames))

    def handle_close(self, event: Frame) -> None:
        """The client closes, or answers our close."""
        super().handle_close(event)
        self._part()

    def keepalive_timeout(self) -> None:
        """The client has not answered a ping."""
        super().keepalive_timeout()
        self._part()

    def _part(self) -> None:
        """The connection ends; stock uvicorn would wait for one who reads nothing."""
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)
        if self._peer is not None:
            self._peer.lost()

    def shutdown(self) -> None:
        """The server stops. Stock uvicorn would say goodbye to one who has just left, which is an error."""
        if self._peer is not None:
            self._peer.choked(True)  # nothing may follow the close frame
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            self.transport.abort()
        else:
            super().shutdown()

    def eof_received(self) -> None:
        """The client sends nothing more. The transport closes, but would wait for one who reads nothing."""
        super().eof_received()
        self._part()

    def handle_ping(self) -> None:
        """Answer, but not one who reads no answers."""
        if self.transport.get_write_buffer_size() > _MAX_UNREAD:
            self.transport.abort()
        else:
            super().handle_ping()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        super().pause_writing()
        if self._peer is not None:
            self._peer.choked(True)

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        if self._peer is not None:
            self._peer.choked(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._held.clear()
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.lost()

    def _cut(self, data: bytes) -> None:
        """Cut what came into frames and hand them on; RFC 6455, section 5.2."""
        if self._peer is not None and not self.queue.empty():
            self._hand_over_early()
        if self._held or self._paused:
            self._held += data
            if self._paused or len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held.clear()
        at, size = self._cut_plain(data) if self._is_open else 0, len(data)
        self._need = 2
        while (left := size - at) and not self._is_halted:
            head, length = _header(data, at, left)
            self._need = head + length
            if length > (self.conn.max_message_size or length):
                super().data_received(data[at:])  # which fails for it, before it has the frame
                return
            if left < self._need:
                break
            end = at + head + length
            if data[at] == _BINARY and data[at + 1] & _MASKED and self._is_open:
                self._take(apply_mask(data[at + head : end], data[at + head - 4 : at + head]))
            else:
                self._parse(data[at:end])
            at, self._need = end, 2
        if not self._failed and at < size:
            self._held += data[at:]

    def _cut_plain(self, data: bytes) -> int:
        """Hand on the whole messages below 64 KiB that `data` begins with, nearly all that there are.

        Returns the offset behind them. The rest, if there is one, is for `_cut`.
        """
        at, size = 0, len(data)
        while size - at > 8 and data[at] == _BINARY and not self._paused:
            length = data[at + 1] - _MASKED
            if 0 <= length < 126:
                head = at + 6
            elif length == 126:
                length = data[at + 2] << 8 | data[at + 3]
                head = at + 8
            else:
                break
            end = head + length
            if end > size or length > (self.conn.max_message_size or length):
                break
            self._take(apply_mask(data[head:end], data[head - 4 : head]))
            at = end
        return at

    @property
    def _is_halted(self) -> bool:
        return self._paused or self._failed

    @property
    def _is_open(self) -> bool:
        return self._peer is not None and not self._fragmented and self.conn.state is State.OPEN

    def _parse(self, frame: bytes) -> None:
        final, opcode = frame[0] & _MASKED, frame[0] & _OPCODE
        if opcode < 3:  # a message, or a further part of one
            self._fragmented = not final
        super().data_received(frame)

    def _admit(self) -> None:
        self._left = None
        self._parser.max_message_size = self.config.ws_max_size


class _Nowhere(asyncio.Queue[Any]):
    """Takes what nobody will ask for."""

    def put_nowait(self, item: Any) -> None:
        pass


class _Always(asyncio.Event):
    """Is set."""

    def clear(self) -> None:
        pass


_NOWHERE, _ALWAYS = _Nowhere(), _Always()
_ALWAYS.set()


def _pass_over(_: bytes) -> None:
    """Nobody takes this message."""


def _header(data: bytes, at: int, left: int) -> tuple[int, int]:
    """Bytes of the header and of the payload of the frame at `at`; too many while that cannot be known."""
    if left < 2:
        return 2, 0
    length = data[at + 1] & 0x7F
    head = 6 if data[at + 1] & _MASKED else 2
    if length < 126:
        return head, length
    more = 2 if length == 126 else 8
    if left < 2 + more:
        return 2 + more, 0
    return head + more, int.from_bytes(data[at + 2 : at + 2 + more], "big")


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
