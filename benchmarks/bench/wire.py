"""WebSocket frames as a client sends and reads them (RFC 6455), as little as a load generator needs. Pure.

Extensions are not negotiated, and a server that fragments its messages is refused.
"""

from websockets.speedups import apply_mask

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10

_FINAL = 0x80
_MASKED = 0x80


class WireError(Exception):
    """The server sent what this client does not read."""


def request(host: str, path: str, subprotocol: str | None) -> bytes:
    """The request that opens a WebSocket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def masked(message: bytes, key: bytes, opcode: int = BINARY) -> bytes:
    """The frame that carries `message`, masked with the four bytes of `key`."""
    size = len(message)
    if size < 126:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    return head + key + apply_mask(message, key)


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole frames in `data` as (opcode, payload), and the bytes behind them. Raises WireError."""
    frames = []
    at, end = 0, len(data)
    while at + 2 <= end:
        first, size = data[at], data[at + 1]
        body = at + 2
        if size > 125:
            body += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : body], "big")
        if body > end or body + size > end:
            break
        if not first & _FINAL:
            raise WireError("the server fragments its messages")
        frames.append((first & 15, data[body : body + size]))
        at = body + size
    return frames, data[at:] if at else data
