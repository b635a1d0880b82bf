"""A client's connection: hands its messages to the room, and to the client what the room shows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from collab import metrics
from collab.auth.grants import Grant, Role
from collab.document import BIG
from collab.errors import CloseCode, Poisoned, Rejected
from collab.hub import Hub
from collab.logs import log
from collab.outbox import Outbox
from collab.presence import Identity
from collab.protocol import ywebsocket
from collab.protocol.framing import frame
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Ask, Awareness, Control, Edit, Message, QueryAwareness
from collab.room import Room
from collab.session import NEVER, Session
from collab.sharing import operations
from collab.sockets import socket_of, text_refused
from collab.updates import Admission, InvalidUpdate
from collab.workers import WorkerDied

_KEEPALIVE = 20.0  # seconds of silence; clients give up after 30
_COPIED = 1 << 20  # bytes of document per second: each operation copies all, which takes 40 ms for 1 MiB
_CLOSE_SECONDS = 5.0  # for the last frames of a socket that is being closed


class Connection:
    """One client in one room. Implements `collab.member.Member` and `collab.sockets.Receiver`."""

    def __init__(
        self,
        websocket: WebSocket,
        hub: Hub,
        room: Room,
        grant: Grant,
        *,
        ours: bool,
        authorise: Callable[[str], Grant],
        on_end: Callable[[], None],
    ) -> None:
        self.author = grant.subject
        self.writes = grant.role.writes
        self.identity = Identity(grant.subject, grant.name, grant.role) if grant.named else None
        self._socket = socket_of(websocket)
        self._hub = hub
        self._room = room
        self._authorise = authorise  # a ticket's grant on this material; raises Rejected
        self._on_end = on_end
        self._ours = ours  # speaks our subprotocol: gets control messages
        self._loop = asyncio.get_running_loop()
        self._session = Session(grant, hub.limits, self._loop.time())
        self._outbox = Outbox(hub.limits.outbox_bytes)
        self._closing: tuple[CloseCode, str] | None = None
        self._closing_since = 0.0  # event-loop time
        self._slow: asyncio.Task[None] | None = None  # a message that cannot be dealt with at once
        self._next_operation = 0.0  # event-loop time before which no operation is carried out
        self._catching_up = False  # a diff was asked of the room and has not come yet
        self._last_write = self._loop.time()

    # Life

    def join(self) -> None:
        """Become a member. `run` must follow. Raises Rejected when the room is full."""
        self._room.join(self)

    async def run(self) -> None:
        """Serve the client until it leaves or has to go; with our own protocol class after the return."""
        await self._socket.run(self)

    def greet(self) -> None:
        """Say what this client may do, and ask for what it has and the server lacks."""
        if self._ours:
            self._put(ywebsocket.control("ready", role=self._session.grant.role, level=self._room.level))
        self._put(ywebsocket.step1(self._room.shown))
        if self._room.frozen:
            self.frozen(self._room.frozen)

    # From the socket (collab.sockets.Receiver)

    def received(self, message: bytes) -> None:
        """Act on one message."""
        # What is not acknowledged by a server that stops, the client sends again to the next one.
        if self._closing is not None or not self._hub.accepting:
            return
        try:
            self._receive(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this connection and nothing else
            self._failed(error)

    def received_text(self) -> None:
        """Refuse a text message."""
        self.reject(text_refused())

    def choked(self) -> None:
        """What comes now has to wait."""
        self._room.audience.direct(self, None)

    def drained(self) -> None:
        """Write on."""
        self._pump()

    def ended(self) -> None:
        """The client has left, or had to go."""
        self._room.leave(self)
        self._closing = self._closing or (CloseCode.DRAIN, "")
        if self._slow is not None:
            self._slow.cancel()
        self._on_end()

    def _receive(self, message: bytes) -> None:
        session, size = self._session, len(message)
        decoded = session.receive(message)
        present = False
        if not isinstance(decoded, Edit):
            if self._ours and isinstance(decoded, Control) and decoded.body["type"] == "operation":
                self._begin(partial(self._operate, decoded.body, size))
                return
            present = self._handle(decoded)
        elif not self._edit(decoded):
            self._begin(partial(self._edit_slowly, decoded, size))
            return
        pause = session.pause(decoded, size, self._loop.time(), present=present)
        if pause:
            self._socket.pause()
            self._loop.call_later(pause, self._socket.resume)

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what takes longer; the client's further messages wait."""
        self._socket.pause()
        self._slow = asyncio.create_task(self._finish(work))

    async def _finish(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - as in `received`
            self._failed(error)
        self._slow = None
        self._socket.resume()

    def _failed(self, error: Exception) -> None:
        """What goes wrong with a client's message ends its connection."""
        if isinstance(error, InvalidUpdate):
            reason = f"the edit is refused: {error}"
            self.reject(Rejected(CloseCode.REFUSED, reason, error.reason))
        elif isinstance(error, WorkerDied):
            self.reject(Rejected(CloseCode.REFUSED, "the edit is refused", "worker_died"))
        elif isinstance(error, Malformed):
            self.reject(Rejected(CloseCode.MALFORMED, str(error), "malformed"))
        elif isinstance(error, Rejected):
            self.reject(error)
        elif isinstance(error, Poisoned):
            self.close(CloseCode.REFUSED, "the edit cannot be applied")
        else:
            log.error("connection failed", material=self._room.id, subject=self.author, exc_info=error)
            self.close(CloseCode.UNAVAILABLE, "this connection failed")

    def _pump(self) -> None:
        """Write what waits, as far as the client reads."""
        socket, outbox = self._socket, self._outbox
        while not socket.congested:
            frame = outbox.take()
            if frame is None:
                break
            socket.send(frame)
            self._last_write = self._loop.time()
        else:
            return
        if self._closing is not None:
            socket.close(*self._closing)
        elif outbox.wants is None:
            if outbox.listening:
                self._room.audience.direct(self, socket.direct)
        elif not self._catching_up:
            self._catch_up(outbox.wants)

    def _catch_up(self, state_vector: bytes) -> None:
        self._catching_up = True
        try:
            self._room.catch_up(self, state_vector)
        except Rejected as error:
            self.reject(error)

    # From the client

    def _handle(self, message: Message) -> bool:
        """Act on a message that is no edit; tells whether it changed this client's presence."""
        if isinstance(message, Awareness):
            return self._present(message.payload)
        if isinstance(message, Ask):
            self._room.audience.direct(self, None)
            self._outbox.catch_up_from(message.state_vector)
            self._pump()
        elif isinstance(message, Control):
            self._renew(message.body)
        elif isinstance(message, QueryAwareness):
            everybody = self._room.presence.encode_present(self, self._room.now())
            if everybody is not None:
                self._outbox.put(frame(ywebsocket.awareness(everybody)), self._room.shown)
                self._pump()
        return False

    def _present(self, payload: bytes) -> bool:
        """Take in presence, but not under the client id of somebody else; tells whether it changed."""
        changed = self._room.receive_presence(self, payload)
        client = self._room.ownership.usurped(self)
        if client is not None:
            self._room.company.leave(self)
            if self._ours:
                reason = "this client id is another person's: take a new one"
                self._put(ywebsocket.control("client_id", client=client, reason=reason))
        return changed

    def _renew(self, body: dict[str, Any]) -> None:
        """A later `hello` brings a fresh ticket of the same person: the session goes on under its grant."""
        ticket = body.get("ticket")
        if not self._ours or body["type"] != "hello" or not isinstance(ticket, str):
            return
        grant = self._authorise(ticket)
        if grant.subject != self._session.grant.subject:
            raise Rejected(CloseCode.FORBIDDEN, "the ticket is another person's", "forbidden")
        self.regrant(grant)

    def regrant(self, grant: Grant) -> None:
        """Go on under `grant`, of the same person."""
        before = self._session.grant
        self._session.grant, self.writes = grant, grant.role.writes
        self.identity = Identity(grant.subject, grant.name, grant.role) if grant.named else None
        if grant.role is not before.role:
            self._tell_role()

    def _edit(self, edit: Edit) -> bool:
        """Take in an edit; False where that takes so long that it must not be done here."""
        room = self._room
        if self._refuses(edit):
            return True
        if room.document.index is None or len(edit.update) > BIG:
            return False
        self._apply(edit, room.document.admit(edit.update, room.held(self)))
        return True

    async def _edit_slowly(self, edit: Edit, size: int) -> None:
        """Take in an edit by way of a worker."""
        admission = await self._hub.admit(self._room, edit.update, self._room.held(self))
        if self._closing is not None:
            return
        if not self._refuses(edit):  # now, perhaps
            self._apply(edit, admission)
        await asyncio.sleep(self._session.pause(edit, size, self._loop.time(), present=False))

    async def _operate(self, body: dict[str, Any], size: int) -> None:
        """Carry out a typed operation, and answer it. Whoever sends many waits before the next."""
        await asyncio.sleep(self._next_operation - self._loop.time())
        self._next_operation = self._loop.time() + self._room.document.size / _COPIED
        answer = await operations.answer(self._room, self._session.grant, body)
        if self._closing is None:
            self._put(ywebsocket.control(**answer))
        await asyncio.sleep(self._session.pause(Control(body), size, self._loop.time(), present=False))

    def _apply(self, edit: Edit, admission: Admission) -> None:
        session, number = self._session, self._session.edits
        covering = self._room.apply(self, admission)
        position = covering if admission.parked is None else None
        if edit.step2:
            session.redeem(position)
        session.place(number, position)
        if admission.parked is not None:
            metrics.parked.inc()
            first = not session.parked
            session.park(admission.parked, step2=edit.step2, now=self._loop.time())
            self._room.park(self, on=True)
            if first and not edit.step2:
                self._put(ywebsocket.step1(self._room.shown))
        self._room.await_level(self)

    def _refuses(self, edit: Edit) -> bool:
        """Whether this client may not write now; then it was told so."""
        if self.writes and not self._room.frozen:
            return False
        self._session.place(self._session.edits, NEVER)
        self._refuse_edit(edit)
        return True

    def _refuse_edit(self, edit: Edit) -> None:
        """A reader's edit: its step 2 is an answer to our question and is passed over in silence."""
        if edit.step2:
            return
        metrics.rejects.labels("read_only").inc()
        reason = self._room.frozen or "you can read this material, not change it"
        if self._ours:
            self._put(ywebsocket.control("error", code=int(CloseCode.FORBIDDEN), reason=reason))
        else:
            self._put(ywebsocket.denied(reason))

    # From the room (collab.member.Member)

    def show(self, update: bytes, frame: bytes, shown: bytes) -> None:
        """Send an edit of others."""
        if self._outbox.put(frame, shown):
            metrics.catch_ups.inc()
        self._pump()

    def tell(self, payload: bytes, frame: bytes, shown: bytes) -> None:
        """Send presence of others."""
        self._outbox.put(frame, shown)
        self._pump()

    def reached(self, position: int) -> bool:
        """Acknowledge what `position` covers."""
        session = self._session
        if session.reached(position) and self._ours:
            saved = frame(ywebsocket.saved(session.saved, self._room.level))
            send = self._room.members.get(self)
            if send is not None:
                send(saved)
            else:
                self._outbox.put_saved(saved)
                self._pump()
        return session.waits

    def caught_up(self, update: bytes, presence: bytes | None) -> None:
        """Send the diff that was asked for; from here on, edits of others follow."""
        self._catching_up = False
        frames = [frame(ywebsocket.step2(update))]
        if presence is not None:
            frames.append(frame(ywebsocket.awareness(presence)))
        self._outbox.caught_up(frames)
        self._pump()

    def recheck(self) -> None:
        """Try the parked updates again."""
        session, room = self._session, self._room
        position, rest = 0, []
        try:
            for update in session.parked:
                admission = room.document.admit(update, room.held(self))
                position = room.apply(self, admission)
                if admission.parked is not None:
                    rest.append(admission.parked)
        except (InvalidUpdate, Rejected, Poisoned) as error:
            self._failed(error)
        else:
            session.parked[:] = rest
            if not rest:
                session.unpark(position)
                room.park(self, on=False)
                room.await_level(self)

    def unrecorded(self, on: bool) -> None:
        """Tell our page that edits are shown although the log is away; or no longer."""
        if self._ours:
            self._put(ywebsocket.control("unrecorded", on=on))

    def frozen(self, reason: str) -> None:
        """Tell that nobody may write for now, and why; or that it is over."""
        if self._session.grant.role.writes:
            self._tell_role()

    def _tell_role(self) -> None:
        role, reason = self._session.grant.role, self._room.frozen
        if reason and role.writes:
            role = Role.VIEWER
        if self._ours:
            why = {"reason": reason} if reason else {}
            self._put(ywebsocket.control("role", role=role, **why))
        elif reason:
            self._put(ywebsocket.denied(reason))
        if role.writes:  # what was refused meanwhile is still with the client
            self._put(ywebsocket.step1(self._room.shown))

    def close(self, code: CloseCode, reason: str) -> None:
        """Write what is essential, then close."""
        if self._closing is None:
            self._room.audience.direct(self, None)
            self._closing = (code, reason)
            self._closing_since = self._loop.time()
            self._pump()

    def check(self, now: float) -> None:
        """Close what stalls or has expired, and keep a silent socket alive."""
        limits, expires, stalled = self._hub.limits, self._session.grant.expires, self._socket.congested_since
        if stalled and now - stalled > limits.stalled_seconds:
            metrics.rejects.labels("stalled").inc()
            self._socket.abort()
        elif self._closing is not None:
            if now - self._closing_since > _CLOSE_SECONDS:
                self._socket.abort()
        elif self._session.is_overdue(now):
            self.reject(Rejected(CloseCode.OUT_OF_SYNC, "edits rest on missing ones", "parked_too_long"))
        elif expires is not None and time.time() > expires:
            self.reject(Rejected(CloseCode.TOKEN_EXPIRED, "the token has expired", "token_expired"))
        elif now - self._last_write > _KEEPALIVE and not stalled:
            self._put(ywebsocket.KEEPALIVE)

    # Helpers

    def reject(self, error: Rejected) -> None:
        """Say why this client has to go."""
        metrics.rejects.labels(error.label).inc()
        log.info("client rejected", material=self._room.id, subject=self.author, reason=error.label)
        if self._ours:
            self._put(ywebsocket.control("error", code=int(error.code), reason=error.reason))
        self.close(error.code, error.reason)

    def _put(self, message: bytes) -> None:
        if not self._outbox.put_essential(frame(message)):
            metrics.rejects.labels("clogged").inc()
            self.close(CloseCode.TOO_SLOW, "you read too slowly")
        self._pump()
