"""The y-websocket dialect, and `studyhub.v1`, which adds JSON control messages to it.

One message per frame in both directions, since y-websocket 3 reads only the first.
Sources: https://github.com/yjs/y-websocket, https://github.com/yjs/y-protocols (PROTOCOL.md).
"""

import json
from typing import Any

from collab.protocol.lib0 import Malformed, read_bytes, read_uint, uint, write_bytes, write_uint
from collab.protocol.messages import Ask, Awareness, Control, Edit, Message, QueryAwareness

SUBPROTOCOL = "studyhub.v1"

_SYNC, _AWARENESS, _AUTH, _QUERY_AWARENESS, _CONTROL = 0, 1, 2, 3, 100
_STEP1, _STEP2, _UPDATE = 0, 1, 2
_AWARENESS_HEAD = bytes((_AWARENESS,))
_SHORT_UPDATE = bytes((_SYNC, _UPDATE))

_KINDS: dict[int, type[Message]] = {
    _AWARENESS: Awareness,
    _QUERY_AWARENESS: QueryAwareness,
    _CONTROL: Control,
}

KEEPALIVE = b"\x01\x01\x00"
"""An awareness frame without entries: resets the client's 30 s watchdog and raises no event there."""


def decode(frame: bytes) -> Message:
    """The message in one frame. Raises Malformed."""
    size = len(frame)
    if 3 < size < 131 and frame[2] == size - 3 and frame[:2] == _SHORT_UPDATE:
        return Edit(frame[3:], step2=False)  # nearly all that there are
    if not frame:
        raise Malformed("empty frame")
    kind = frame[0]
    if kind == _SYNC:
        return _decode_sync(frame)
    if kind == _AWARENESS:
        payload, end = read_bytes(frame, 1)
        _expect_end(frame, end)
        return Awareness(payload)
    if kind == _QUERY_AWARENESS:
        _expect_end(frame, 1)
        return QueryAwareness()
    if kind == _CONTROL:
        return _decode_control(frame)
    raise Malformed(f"unknown message type {kind}")


def kind(frame: bytes) -> type[Message] | None:
    """What kind of message a frame claims to hold, before it is decoded; None for unknown ones."""
    if frame[:1] == bytes((_SYNC,)):
        return Ask if frame[1:2] == bytes((_STEP1,)) else Edit
    return _KINDS.get(frame[0]) if frame else None


def is_step2(frame: bytes) -> bool:
    """Whether a frame that holds an edit claims to be a step 2."""
    return frame[1:2] == bytes((_STEP2,))


def step1(state_vector: bytes) -> bytes:
    """A frame that asks for all that `state_vector` lacks."""
    return _sync(_STEP1, state_vector)


def step2(update: bytes) -> bytes:
    """A frame that answers a step 1."""
    return _sync(_STEP2, update)


def update(update: bytes) -> bytes:
    """A frame with an edit."""
    return _sync(_UPDATE, update)


def awareness(payload: bytes) -> bytes:
    """A frame with presence entries."""
    return b"".join((_AWARENESS_HEAD, uint(len(payload)), payload))


def denied(reason: str) -> bytes:
    """A permission-denied frame: unmodified clients log it."""
    out = bytearray((_AUTH, 0))
    write_bytes(out, reason.encode())
    return bytes(out)


def control(kind: str, **fields: Any) -> bytes:
    """A control frame of `studyhub.v1`: a JSON object with its `type` first."""
    out = bytearray((_CONTROL,))
    write_bytes(out, json.dumps({"type": kind, **fields}, separators=(",", ":")).encode())
    return bytes(out)


def saved(number: int, level: str) -> bytes:
    """The control frame that acknowledges the client's first `number` edits."""
    body = f'{{"type":"saved","n":{number},"level":"{level}"}}'.encode()
    return bytes((_CONTROL, len(body))) + body  # below 128 bytes


def _sync(kind: int, data: bytes) -> bytes:
    length = len(data)
    if length < 128:
        return bytes((_SYNC, kind, length)) + data
    out = bytearray((_SYNC, kind))
    write_uint(out, length)
    out += data
    return bytes(out)


def _decode_sync(frame: bytes) -> Message:
    kind, at = read_uint(frame, 1)
    data, end = read_bytes(frame, at)
    _expect_end(frame, end)
    if kind == _UPDATE:
        return Edit(data, step2=False)
    if kind == _STEP2:
        return Edit(data, step2=True)
    if kind == _STEP1:
        return Ask(data)
    raise Malformed(f"unknown sync message {kind}")


def _decode_control(frame: bytes) -> Control:
    data, end = read_bytes(frame, 1)
    _expect_end(frame, end)
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("control message is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise Malformed("control message without a type")
    return Control(body)


def _expect_end(frame: bytes, at: int) -> None:
    if at != len(frame):
        raise Malformed("bytes behind the message")


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Client id to next clock. Raises Malformed."""
    count, at = read_uint(data, 0)
    if count > len(data):
        raise Malformed("state vector cut short")
    clocks: dict[int, int] = {}
    for _ in range(count):
        client, at = read_uint(data, at)
        clocks[client], at = read_uint(data, at)
    _expect_end(data, at)
    return clocks


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """The bytes that `decode_state_vector` reads."""
    out = bytearray(uint(len(clocks)))
    for client, clock in clocks.items():
        write_uint(out, client)
        write_uint(out, clock)
    return bytes(out)
