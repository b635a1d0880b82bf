"""WebSocket frames as a server sends them (RFC 6455, section 5.2): whole binary messages, not masked. Pure.

A frame is built once and the same bytes go to every client.
"""

_BINARY = 0x82  # final frame of a binary message


def frame(message: bytes) -> bytes:
    """The frame that carries `message`."""
    size = len(message)
    if size < 126:
        return bytes((_BINARY, size)) + message
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big") + message
    return b"\x82\x7f" + size.to_bytes(8, "big") + message


def message_in(frame: bytes) -> bytes:
    """The message that `frame` was given."""
    length = frame[1]
    return frame[2 if length < 126 else 4 if length == 126 else 10 :]
