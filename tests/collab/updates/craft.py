"""Updates written by hand."""

from collab.protocol.lib0 import uint

NO_DELETES = b"\x00"


def text(value: str) -> bytes:
    raw = value.encode()
    return uint(len(raw)) + raw


def ref(client: int, clock: int) -> bytes:
    return uint(client) + uint(clock)


def block(client: int, clock: int, *structs: bytes) -> bytes:
    return uint(len(structs)) + uint(client) + uint(clock) + b"".join(structs)


def deletes(*ranges: tuple[int, int, int]) -> bytes:
    """A delete set of (client, clock, length), one range a client."""
    return uint(len(ranges)) + b"".join(
        uint(c) + b"\x01" + uint(at) + uint(length) for c, at, length in ranges
    )


def update(*blocks: bytes, deleted: bytes = NO_DELETES) -> bytes:
    return uint(len(blocks)) + b"".join(blocks) + deleted


def string(
    value: str,
    origin: tuple[int, int] | None = None,
    right: tuple[int, int] | None = None,
    root: str = "text",
) -> bytes:
    return item(4, text(value), origin, right, root)


def item(
    kind: int,
    content: bytes,
    origin: tuple[int, int] | None = None,
    right: tuple[int, int] | None = None,
    parent: str | tuple[int, int] = "text",
    key: str | None = None,
) -> bytes:
    info = kind | (0x80 if origin else 0) | (0x40 if right else 0) | (0x20 if key else 0)
    out = bytes([info])
    if origin:
        out += ref(*origin)
    if right:
        out += ref(*right)
    if not origin and not right:
        out += b"\x01" + text(parent) if isinstance(parent, str) else b"\x00" + ref(*parent)
        out += text(key) if key else b""
    return out + content
