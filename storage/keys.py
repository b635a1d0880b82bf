"""Names of objects, made and parsed. Pure.

    snapshots/<doc>/<cursor>-<time>-<hash>
    history/<doc>/<first>-<last>-<time>

Cursors and times have a fixed width, so names of one document sort like its cursors. The time stands in the
name because retention decides by age, and must not read every object for it.

`<doc>` is the material id, percent-encoded for file systems: ASCII; no dot, so no hidden or parent folder;
no upper case, so two ids stay apart where file names ignore case; cut into folders of at most 200
characters, each but the last ending in `+`, so that the folders of two ids never mix.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from storage.values import Cursor

MAX_ID = 200
"""Bytes of UTF-8 in a material id."""

_PIECE = 200  # characters of one folder's name; file systems allow 255
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_CURSOR = r"[0-9]{10}\.[0-9]{18}"
_TIME = r"[0-9]{15}"
_SNAPSHOT = re.compile(rf"snapshots/(.+)/({_CURSOR})-({_TIME})-([0-9a-f]{{32}})")
_SEGMENT = re.compile(rf"history/(.+)/({_CURSOR})-({_CURSOR})-({_TIME})")


class SnapshotKey(NamedTuple):
    """What the name of a snapshot says."""

    doc: str
    cursor: Cursor
    time: int
    """Unix time of writing, milliseconds."""
    digest: str
    """BLAKE2b of the object's bytes, 16 bytes in hexadecimal."""

    @property
    def name(self) -> str:
        """The object's name."""
        return f"{snapshot_prefix(self.doc)}{self.cursor}-{self.time:015d}-{self.digest}"


class SegmentKey(NamedTuple):
    """What the name of a history segment says."""

    doc: str
    first: Cursor
    last: Cursor
    time: int
    """Unix time in milliseconds at which the entries had been written."""

    @property
    def name(self) -> str:
        """The object's name."""
        return f"{segment_prefix(self.doc)}{self.first}-{self.last}-{self.time:015d}"


def snapshot_prefix(doc: str) -> str:
    """What the names of all snapshots of `doc`, and no others, start with."""
    return f"snapshots/{encode_id(doc)}/"


def segment_prefix(doc: str) -> str:
    """What the names of all history segments of `doc`, and no others, start with."""
    return f"history/{encode_id(doc)}/"


def parse_snapshot(name: str) -> SnapshotKey:
    """The key whose name is `name`. Raises ValueError on anything else."""
    match = _SNAPSHOT.fullmatch(name)
    if match is None:
        raise ValueError(f"not a snapshot: {name!r}")
    doc, cursor, time, digest = match.groups()
    return SnapshotKey(decode_id(doc), Cursor.parse(cursor), int(time), digest)


def parse_segment(name: str) -> SegmentKey:
    """The key whose name is `name`. Raises ValueError on anything else."""
    match = _SEGMENT.fullmatch(name)
    if match is None:
        raise ValueError(f"not a history segment: {name!r}")
    doc, first, last, time = match.groups()
    return SegmentKey(decode_id(doc), Cursor.parse(first), Cursor.parse(last), int(time))


def encode_id(doc: str) -> str:
    """A material id as one or more folder names.

    Raises ValueError when it is empty, longer than MAX_ID or not encodable as UTF-8.
    """
    raw = doc.encode()
    if not 1 <= len(raw) <= MAX_ID:
        raise ValueError(f"a material id has 1 to {MAX_ID} bytes, not {len(raw)}")
    text = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in raw)
    return "+/".join(text[at : at + _PIECE] for at in range(0, len(text), _PIECE))


def decode_id(text: str) -> str:
    """The material id that `encode_id` encoded. Raises ValueError on anything else."""
    doc = unquote_to_bytes(text.replace("+/", "")).decode()
    if encode_id(doc) != text:
        raise ValueError(f"not an encoded material id: {text!r}")
    return doc
