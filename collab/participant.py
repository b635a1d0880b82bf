"""Code in this process as a member of a room: AI tutors, REST edits, restores, tools.

A participant has a replica document of its own with its own client id, so that its edits are its own in the
history and can be undone, and takes the same way as a client's: gate, log, then everybody else.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import randbits
from typing import Any, Self

from pycrdt import Doc, TransactionEvent

from collab.auth.grants import Grant
from collab.errors import CloseCode, Rejected
from collab.presence import Identity
from collab.protocol.lib0 import uint, write_bytes, write_uint
from collab.room import Room
from collab.updates import Admission, InvalidUpdate

_FROM_ROOM = "room"  # origin of the replica's transactions that bring edits of others


class Participant:
    """A member that lives in the server process. Implements `collab.member.Member`.

    Use it as `async with await Participant.join(room, grant) as tutor:` and edit inside
    `with tutor.edit() as doc:`.

    Attributes:
        doc: the replica; read it freely, write only inside `edit()`.
    """

    def __init__(self, room: Room, grant: Grant) -> None:
        # A 32-bit client id: pycrdt's own 53-bit ids make documents larger.
        self.doc: Doc[Any] = Doc(client_id=randbits(32))
        self.author = grant.subject
        self.writes = grant.role.writes
        self.identity = Identity(grant.subject, grant.name, grant.role) if grant.named else None
        self._room = room
        self._position = 0  # the flush that covers the last edit
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._saved: list[asyncio.Future[None]] = []
        self._outgoing: list[bytes] = []
        self._incoming: list[bytes] = []  # came while an edit block was open
        self._editing = False
        self._gone: Rejected | None = None
        self._clock = 0
        self._subscription = self.doc.observe(self._observe)

    @classmethod
    async def join(cls, room: Room, grant: Grant) -> Self:
        """A participant that holds the present state. Raises Rejected."""
        participant = cls(room, grant)
        room.join(participant)
        room.catch_up(participant, b"\x00")
        try:
            await participant._ready
        except BaseException:
            participant.leave()
            raise
        return participant

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    @contextmanager
    def edit(self) -> Iterator[Doc[Any]]:
        """One transaction; what it changed goes to the room when the block ends. Raises Rejected.

        pycrdt has no rollback: what a block did before it raised is sent as well.
        """
        self._check_writes()
        self._editing = True
        try:
            with self.doc.transaction():
                yield self.doc
        finally:
            self._editing = False
            self._send()
            for update in self._incoming:
                self._take_in(update)
            self._incoming.clear()

    def present(self, state: bytes) -> None:
        """Show this participant to the others; `state` is the JSON of its awareness entry."""
        self._check()
        self._clock += 1
        payload = bytearray(uint(1))
        write_uint(payload, self.doc.client_id)
        write_uint(payload, self._clock)
        write_bytes(payload, state)
        self._room.receive_presence(self, bytes(payload))

    async def saved(self) -> None:
        """Return once everything edited so far has reached the level. Raises Rejected if it cannot."""
        self._check()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._saved.append(future)
        self._room.await_level(self)
        await future

    def leave(self) -> None:
        """Leave the room; edits that were sent stay."""
        self._room.leave(self)
        self.doc.unobserve(self._subscription)

    # From the room (collab.member.Member)

    def show(self, update: bytes, frame: bytes, shown: bytes) -> None:
        """Take in an edit of others; those before the state at joining are in it."""
        if not self._ready.done():
            return
        if self._editing:  # the block awaits something: its transaction is still open
            self._incoming.append(update)
        else:
            self._take_in(update)

    def tell(self, payload: bytes, frame: bytes, shown: bytes) -> None:
        """Presence of others is not kept."""

    def reached(self, position: int) -> bool:
        """Wake those who wait for `saved`."""
        if position < self._position:
            return bool(self._saved)
        for future in self._saved:
            if not future.done():
                future.set_result(None)
        self._saved.clear()
        return False

    def caught_up(self, update: bytes, presence: bytes | None) -> None:
        """The state at joining."""
        if not self._ready.done():
            self._ready.set_result(None)
        self.show(update, b"", b"")

    def recheck(self) -> None:
        """Nothing of a participant is ever parked: it saw what it edits."""

    def unrecorded(self, on: bool) -> None:
        """`saved` waits meanwhile."""

    def frozen(self, reason: str) -> None:
        """Edits are refused meanwhile."""

    def check(self, now: float) -> None:
        """Nothing expires in this process."""

    def close(self, code: CloseCode, reason: str) -> None:
        """The room is over: later calls raise."""
        self._gone = Rejected(code, reason, "room_closed")
        for future in (*self._saved, self._ready):
            if not future.done():
                future.set_exception(self._gone)
        self._saved.clear()
        self._room.leave(self)

    # Helpers

    def _observe(self, event: TransactionEvent) -> None:
        if self._editing:
            self._outgoing.append(event.update)

    def _take_in(self, update: bytes) -> None:
        with self.doc.transaction(origin=_FROM_ROOM):
            self.doc.apply_update(update)

    def _send(self) -> None:
        """Hand the edits to the room; a refused one ends the participant, whose replica is ahead now."""
        updates, self._outgoing = self._outgoing, []
        for update in updates:
            try:
                self._position = self._room.apply(self, self._admit(update))
            except Rejected as error:
                self.close(error.code, error.reason)
                raise

    def _admit(self, update: bytes) -> Admission:
        try:
            admission = self._room.document.admit(update)
        except InvalidUpdate as error:
            raise Rejected(CloseCode.REFUSED, str(error), error.reason) from error
        if admission.parked is not None:
            raise Rejected(CloseCode.OUT_OF_SYNC, "the edit rests on missing ones", "parked")
        return admission

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone

    def _check_writes(self) -> None:
        self._check()
        if not self.writes:
            raise Rejected(CloseCode.FORBIDDEN, "this participant may only read", "read_only")
        if self._room.frozen:
            raise Rejected(CloseCode.UNAVAILABLE, self._room.frozen, "frozen")
