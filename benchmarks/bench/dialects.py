"""What clients of different servers say besides sync and presence. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from collab.protocol import ywebsocket
from collab.protocol.lib0 import write_bytes


@dataclass(frozen=True)
class Dialect:
    """How clients talk to one kind of server.

    Attributes:
        subprotocol: of the WebSocket, or None.
        room_in_path: whether the room's name is the end of the address.
        prefix: the room's name to the bytes that begin every message.
        opening: what is said before sync step 1, without the prefix.
        acknowledges: whether the server says that it has taken an edit in, and how that is called.
        syncs: whether there is a document on the server; a relay has none.
    """

    name: str
    subprotocol: str | None
    room_in_path: bool
    prefix: Callable[[str], bytes]
    opening: tuple[bytes, ...]
    acknowledges: str
    syncs: bool = True

    def path(self, base: str, room: str) -> str:
        """The path to open; `base` is that of the server's address."""
        if self.room_in_path:
            return f"{base.rstrip('/')}/{quote(room, safe='/')}"
        return base or "/"


def _no_prefix(_: str) -> bytes:
    return b""


def _name(room: str) -> bytes:
    out = bytearray()
    write_bytes(out, room.encode())
    return bytes(out)


def _token() -> bytes:
    out = bytearray((2, 0))
    write_bytes(out, b"token")
    write_bytes(out, b"4.7.0")
    return bytes(out)


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            "studyhub",
            ywebsocket.SUBPROTOCOL,
            True,
            _no_prefix,
            (ywebsocket.control("hello", schema=1),),
            "durable",
        ),
        Dialect("y-websocket", None, True, _no_prefix, (), ""),
        Dialect("hocuspocus", None, False, _name, (_token(),), "applied"),
        Dialect("relay", None, True, _no_prefix, (), "", syncs=False),
    )
}
"""By name. `studyhub` is y-websocket with the messages of `studyhub.v1`."""
