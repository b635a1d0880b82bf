"""Who is here: awareness entries of one room. Pure.

An entry is decoded once, when its owner sends it, to stamp the owner's identity into it; from there on it
is opaque bytes, the last write per client wins. The server gives out its own clocks, so that a client
that comes back with an old clock is visible at once.
Format: https://github.com/yjs/y-protocols (awareness.js).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from collab.protocol.lib0 import Malformed, read_bytes, read_uint, uint, write_bytes, write_uint

COLOURS = (
    "#2F5BEA", "#C2410C", "#0F766E", "#A21CAF", "#B91C1C",
    "#1D7A3E", "#0369A1", "#BE185D", "#7A5C00", "#475569",
)  # fmt: skip
"""Caret colours with a contrast of at least 4.5:1 against a white label."""

MAX_STATE = 8192
"""Bytes of JSON in one entry."""

MAX_ENTRIES = 4096
"""Entries in one payload; more than a room has members."""

_RENEWALS = 64  # entries told anew at a time

_GONE = b"null"
_OURS = 10**12  # clocks from here on are the server's own milliseconds; clients count their changes


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server writes into `user` of every entry of one member."""

    subject: str
    name: str
    role: str


@dataclass(slots=True)
class _Entry:
    owner: object
    identity: Identity | None
    clock: int  # the server's own, above every clock that was sent for this client id
    state: bytes  # JSON
    colour: str
    sent: int  # milliseconds, when others were last told


class Presence:
    """The entries of one room, by client id.

    Attributes:
        clock: the newest that was given out.
    """

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self.clock = 0
        self._client_of: dict[object, int] = {}  # each owner has at most one entry

    def receive(self, owner: object, identity: Identity | None, payload: bytes, now: int) -> int | None:
        """Take in one awareness payload of `owner`; `now` is Unix time in milliseconds.

        Returns the client id whose entry changed: one per payload, the first that is the owner's to write.
        Entries for other ids are passed over before their JSON is read: unmodified clients send back
        whatever they receive. Raises Malformed.
        """
        for client, clock, state in _read(payload):
            if self._may_write(owner, identity, client, clock, state):
                return client if self._write(owner, identity, client, state, now) else None
        return None

    def leave(self, owner: object) -> int | None:
        """Forget the entry of `owner`; returns its client id, to be announced as gone."""
        client = self._client_of.pop(owner, None)
        if client is not None:
            del self._entries[client]
        return client

    def place(self, owner: object, identity: Identity | None, client: int, state: bytes, now: int) -> None:
        """Take over an entry that another node has stamped; `now` is Unix time in milliseconds.

        Raises Malformed.
        """
        user = parse_state(state).get("user")
        before = self._entries.get(client)
        if before is not None and before.owner != owner:
            del self._client_of[before.owner]
        clock = before.clock if before else max(self.clock + 1, now)
        colour = str(user.get("color", "")) if isinstance(user, dict) else ""
        self._client_of[owner] = client
        self._entries[client] = _Entry(owner, identity, clock, state, colour, 0)

    def state_of(self, client: int) -> bytes:
        """The stamped JSON of one who is here."""
        return self._entries[client].state

    def client_of(self, owner: object) -> int | None:
        """The client id under which `owner` is visible."""
        return self._client_of.get(owner)

    def clients(self) -> Iterable[int]:
        """The client ids that are visible."""
        return self._entries.keys()

    def owner_of(self, client: int) -> Any:
        """Who is here under `client`, or None."""
        entry = self._entries.get(client)
        return entry.owner if entry else None

    def due(self, now: int, age: int) -> list[int]:
        """Some ids whose entries were last told more than `age` milliseconds ago; clients forget after 30 s.

        Few at a time, so that a large room's renewals are spread over many calls.
        """
        return list(islice((id for id, entry in self._entries.items() if now - entry.sent > age), _RENEWALS))

    def tell(self, clients: Iterable[int], now: int) -> dict[int, bytes]:
        """The present entries of `clients` under fresh clocks, encoded, for `payload`."""
        self.clock = max(self.clock + 1, now)
        told = {}
        for client in clients:
            entry = self._entries.get(client)
            out = bytearray()
            write_uint(out, client)
            write_uint(out, self.clock)
            write_bytes(out, entry.state if entry else _GONE)
            if entry:
                entry.clock, entry.sent = self.clock, now
            told[client] = bytes(out)
        return told

    def outrun(self, clock: int) -> None:
        """Give out clocks above `clock`: a client may have been told of it by another node.

        So a client that moves between nodes believes the next one too, though its wall clock is behind.
        """
        self.clock = max(self.clock, clock)

    def encode_present(self, owner: object, now: int) -> bytes | None:
        """An awareness payload with everybody but `owner`, for one who joins; None when alone.

        Under fresh clocks: the one who joins may have heard of the same people elsewhere, a moment ago.
        """
        mine = self._client_of.get(owner)
        others = [(client, entry) for client, entry in self._entries.items() if client != mine]
        if not others:
            return None
        self.clock = max(self.clock + 1, now)
        out = bytearray(uint(len(others)))
        for client, entry in others:
            entry.clock = self.clock
            write_uint(out, client)
            write_uint(out, entry.clock)
            write_bytes(out, entry.state)
        return bytes(out)

    def __len__(self) -> int:
        return len(self._entries)

    def _colour(self, client: int, fields: dict[str, Any], subject: str) -> str:
        """The colour that was asked for if it is one of ours and free, else a free one by the subject."""
        before, user = self._entries.get(client), fields.get("user")
        wanted = user.get("color") if isinstance(user, dict) else None
        if before is not None and before.colour and wanted in (None, before.colour):
            return before.colour
        taken = {entry.colour for key, entry in self._entries.items() if key != client}
        start = sum(subject.encode())
        order = [COLOURS[(start + step) % len(COLOURS)] for step in range(len(COLOURS))]
        if wanted in COLOURS:
            order.insert(0, str(wanted))
        return next((colour for colour in order if colour not in taken), order[0])

    def _may_write(
        self, owner: object, identity: Identity | None, client: int, clock: int, state: bytes
    ) -> bool:
        mine = self._client_of.get(owner)
        if mine is not None:
            return mine == client
        if state == _GONE:
            return False
        entry = self._entries.get(client)
        if entry is None:
            return True
        # The same person comes back while the server still holds the old socket's entry.
        if entry.identity is None or identity is None:
            return clock < _OURS  # nobody knows who is who, but an echo of what the server told is none
        return entry.identity.subject == identity.subject  # name and role may have changed in between

    def _write(self, owner: object, identity: Identity | None, client: int, state: bytes, now: int) -> bool:
        """Tells whether anything changed: clients renew what they show, and so does the server by itself."""
        if state == _GONE:
            self.leave(owner)
            return True
        fields = parse_state(state)
        before = self._entries.get(client)
        if before is not None and before.owner is not owner:
            del self._client_of[before.owner]
        colour = ""
        if identity is not None:
            colour = self._colour(client, fields, identity.subject)
            state = _stamp(fields, identity, colour)
        if before is not None and before.owner is owner:
            changed = before.state != state
            before.identity, before.state, before.colour = identity, state, colour
            return changed
        clock = before.clock if before else max(self.clock + 1, now)
        self._client_of[owner] = client
        self._entries[client] = _Entry(owner, identity, clock, state, colour, 0)
        return True


class Told:
    """Encoded entries by client id, as awareness payloads: of all, or of all but one, which costs no more."""

    def __init__(self, entries: dict[int, bytes]) -> None:
        self._places: dict[int, tuple[int, int]] = {}
        end = 0
        for client, entry in entries.items():
            start, end = end, end + len(entry)
            self._places[client] = (start, end)
        self._joined = b"".join(entries.values())

    def payload(self, without: int | None = None) -> bytes:
        """An awareness payload."""
        if without is None:
            return uint(len(self._places)) + self._joined
        start, end = self._places[without]
        return b"".join((uint(len(self._places) - 1), self._joined[:start], self._joined[end:]))

    def __contains__(self, client: int) -> bool:
        return client in self._places

    def __len__(self) -> int:
        return len(self._places)


def _read(payload: bytes) -> list[tuple[int, int, bytes]]:
    """Client ids, clocks and JSON bytes. Raises Malformed."""
    count, at = read_uint(payload, 0)
    if count > min(len(payload), MAX_ENTRIES):
        raise Malformed("too many presence entries")
    entries = []
    for _ in range(count):
        client, at = read_uint(payload, at)
        clock, at = read_uint(payload, at)
        state, at = read_bytes(payload, at)
        entries.append((client, clock, state))
    if at != len(payload):
        raise Malformed("bytes behind the presence")
    return entries


def _stamp(fields: dict[str, Any], identity: Identity, colour: str) -> bytes:
    """The state with the owner's true identity in it."""
    user = fields.get("user")
    merged: dict[str, Any] = dict(user) if isinstance(user, dict) else {}
    merged |= {"id": identity.subject, "name": identity.name, "role": identity.role, "color": colour}
    return orjson.dumps({**fields, "user": merged})


def parse_state(state: bytes) -> dict[str, Any]:
    """The JSON object of one entry. Raises Malformed on anything a browser could choke on."""
    if len(state) > MAX_STATE:
        raise Malformed("presence state too large")
    try:
        fields = orjson.loads(state)  # refuses NaN, lone surrogates and deep nesting
    except ValueError:
        raise Malformed("presence state is not JSON") from None
    if not isinstance(fields, dict):
        raise Malformed("presence state is not an object")
    return fields
