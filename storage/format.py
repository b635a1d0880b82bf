"""The bytes of entries, snapshots and history segments. Pure.

Each is a magic of three letters and a format version, an 8-byte BLAKE2b checksum of all other bytes, and
a msgpack payload. Decoders take any bytes and raise Corrupt, never anything else, on what no encoder wrote.
"""

import zlib
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgpack  # type: ignore[import-untyped]

from storage.errors import Corrupt
from storage.values import Cursor, Entry, Part, Snapshot

MAX_SEGMENT = 256 * 2**20
"""Bytes that the payload of one history segment may take when decompressed."""

_ENTRY = b"SHE\x01"
_SNAPSHOT = b"SHS\x01"
_SEGMENT = b"SHH\x01"
_CHECKSUM = 8  # bytes
_HEADER = 4 + _CHECKSUM
_MAX_INTEGER = 2**63 - 1  # what SQLite and Redis hold


def encode_entry(entry: Entry) -> bytes:
    """The bytes of one log entry. Raises ValueError when an integer or a text cannot be encoded."""
    parts = [(part.author, part.clients, part.update) for part in entry.parts]
    return _seal(_ENTRY, _pack((entry.time, parts)))


def decode_entry(data: bytes) -> Entry:
    """The entry that `encode_entry` wrote. Raises Corrupt."""
    time, parts = _fields("entry", _unpack("entry", _unseal(_ENTRY, "entry", data)), int, tuple)
    return Entry(_natural("entry", time), tuple(_part(part) for part in parts))


def encode_snapshot(state: bytes, cursor: Cursor, time: int) -> bytes:
    """The bytes of a snapshot; `state` is a Yjs update (V1), `time` Unix time in milliseconds."""
    return _seal(_SNAPSHOT, _pack((*cursor, time, [state])))


def decode_snapshot(data: bytes) -> Snapshot:
    """The snapshot that `encode_snapshot` wrote. Raises Corrupt."""
    payload = _unpack("snapshot", _unseal(_SNAPSHOT, "snapshot", data))
    epoch, sequence, time, chunks = _fields("snapshot", payload, int, int, int, tuple)
    if not chunks or any(type(chunk) is not bytes for chunk in chunks):
        raise _corrupt("snapshot", "its state is not a list of updates")
    return Snapshot(_cursor("snapshot", epoch, sequence), _natural("snapshot", time), chunks)


def encode_segment(entries: Sequence[tuple[Cursor, bytes]]) -> bytes:
    """The bytes of a history segment: encoded entries with their cursors, ascending, compressed.

    Raises ValueError above MAX_SEGMENT.
    """
    payload = _pack([(*cursor, entry) for cursor, entry in entries])
    if len(payload) > MAX_SEGMENT:
        raise ValueError("too many entries for one history segment")
    return _seal(_SEGMENT, len(payload).to_bytes(8, "big") + zlib.compress(payload))


def decode_segment(data: bytes) -> list[tuple[Cursor, bytes]]:
    """The entries that `encode_segment` was given. Raises Corrupt."""
    rows = _unpack("segment", _decompress(_unseal(_SEGMENT, "segment", data)))
    if type(rows) is not tuple:
        raise _corrupt("segment", "not a list")
    entries: list[tuple[Cursor, bytes]] = []
    for row in rows:
        epoch, sequence, entry = _fields("segment", row, int, int, bytes)
        cursor = _cursor("segment", epoch, sequence)
        if entries and cursor <= entries[-1][0]:
            raise _corrupt("segment", "its cursors do not ascend")
        entries.append((cursor, entry))
    return entries


def _seal(magic: bytes, payload: bytes) -> bytes:
    return magic + _checksum(magic, payload) + payload


def _unseal(magic: bytes, what: str, data: bytes) -> bytes:
    if len(data) < _HEADER or data[:3] != magic[:3]:
        raise _corrupt(what, f"these bytes are not a {what}")
    if data[3] != magic[3]:
        raise _corrupt(what, f"format version {data[3]} is not known")
    payload = data[_HEADER:]
    if data[4:_HEADER] != _checksum(magic, payload):
        raise _corrupt(what, "the checksum differs")
    return payload


def _checksum(magic: bytes, payload: bytes) -> bytes:
    # The magic is the key, so that bytes of one kind never pass for another.
    return blake2b(payload, digest_size=_CHECKSUM, key=magic).digest()


def _pack(value: object) -> bytes:
    try:
        packed: bytes = msgpack.packb(value)
    except OverflowError as error:
        raise ValueError(str(error)) from error
    return packed


def _unpack(what: str, payload: bytes) -> Any:
    try:
        return msgpack.unpackb(payload, use_list=False)
    except (ValueError, TypeError) as error:  # TypeError: a map with a key that cannot be hashed
        raise _corrupt(what, error) from error


def _decompress(data: bytes) -> bytes:
    size = int.from_bytes(data[:8], "big")
    if len(data) < 8 or size > MAX_SEGMENT:
        raise _corrupt("segment", "its size is out of bounds")
    stream = zlib.decompressobj()
    try:
        payload = stream.decompress(data[8:], size + 1)
    except zlib.error as error:
        raise _corrupt("segment", error) from error
    if len(payload) != size or not stream.eof or stream.unused_data:
        raise _corrupt("segment", "its size differs")
    return payload


def _part(value: object) -> Part:
    author, clients, update = _fields("entry", value, str, tuple, bytes)
    return Part(author, tuple(_natural("entry", client) for client in clients), update)


def _fields(what: str, value: Any, *types: type) -> Any:
    if type(value) is not tuple or len(value) != len(types):
        raise _corrupt(what, f"a list of {len(types)} fields is missing")
    for field, expected in zip(value, types, strict=True):
        if type(field) is not expected:  # also refuses True for an integer
            raise _corrupt(what, f"a field is not {expected.__name__}")
    return value


def _natural(what: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_INTEGER:
        raise _corrupt(what, "an integer is out of bounds")
    return value


def _cursor(what: str, epoch: int, sequence: int) -> Cursor:
    return Cursor(_natural(what, epoch), _natural(what, sequence))


def _corrupt(what: str, cause: object) -> Corrupt:
    return Corrupt("decode", what, cause)
