"""A client's connection: a reader that hands messages to the room, a writer that empties the outbox."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from collab import metrics
from collab.auth.grants import Grant, Role
from collab.errors import CloseCode, Poisoned, Rejected
from collab.hub import Hub
from collab.logs import log
from collab.outbox import Outbox
from collab.presence import Identity
from collab.protocol import ywebsocket
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Ask, Awareness, Control, Edit, Message, QueryAwareness
from collab.room import Room
from collab.session import NEVER, Session
from collab.updates import Admission, InvalidUpdate
from collab.wire import ABORT
from collab.workers import WorkerDied

_KEEPALIVE = 20.0  # seconds of silence; clients give up after 30
_CLOSE_SECONDS = 5.0  # for the last frames of a socket that is being closed


class Connection:
    """One client in one room. Implements `collab.member.Member`."""

    def __init__(
        self,
        websocket: WebSocket,
        hub: Hub,
        room: Room,
        grant: Grant,
        *,
        ours: bool,
        authorise: Callable[[str], Grant],
    ) -> None:
        self.author = grant.subject
        self.writes = grant.role.writes
        self.identity = Identity(grant.subject, grant.name, grant.role) if grant.named else None
        self._websocket = websocket
        self._hub = hub
        self._room = room
        self._authorise = authorise  # a ticket's grant on this material; raises Rejected
        self._ours = ours  # speaks our subprotocol: gets control messages
        self._loop = asyncio.get_running_loop()
        self._session = Session(grant, hub.limits, self._loop.time())
        self._outbox = Outbox(hub.limits.outbox_bytes)
        self._wake = asyncio.Event()  # the outbox has something, or the socket has to close
        self._closing: tuple[CloseCode, str] | None = None
        self._closing_since = 0.0  # event-loop time
        self._tasks: tuple[asyncio.Task[None], ...] = ()  # reader and writer, while `run` runs
        self._catching_up = False  # a diff was asked of the room and has not come yet
        self._writing_since = 0.0  # event-loop time at which the present write began, 0.0 without one
        self._last_write = self._loop.time()

    # Life

    async def run(self) -> None:
        """Serve the client until it leaves or has to go."""
        self._room.join(self)
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._write()))
        try:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled():
                    task.result()
        finally:
            self._room.leave(self)
            self._abort()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _cut(self) -> None:
        """End a connection that cannot be closed in peace, and let go of what waits in its buffers."""
        abort = (self._websocket.scope.get("extensions") or {}).get(ABORT)
        if abort is not None:
            abort()
        self._abort()

    def greet(self) -> None:
        """Say what this client may do, and ask for what it has and the server lacks."""
        if self._ours:
            self._put(ywebsocket.control("ready", role=self._session.grant.role, level=self._room.level))
        self._put(ywebsocket.step1(self._room.shown))
        if self._room.frozen:
            self.frozen(self._room.frozen)

    async def _read(self) -> None:
        try:
            while True:
                frame = await receive(self._websocket)
                if not self._hub.accepting:
                    continue  # what is not acknowledged now, the client sends again to the next server
                message = self._session.receive(frame)
                present = await self._handle(message)
                pause = self._session.pause(message, len(frame), self._loop.time(), present=present)
                if pause:
                    await asyncio.sleep(pause)
        except WebSocketDisconnect:
            return
        except Rejected as error:
            self._reject(error)
        except Malformed as error:
            self._reject(Rejected(CloseCode.MALFORMED, str(error), "malformed"))
        except Poisoned:
            self.close(CloseCode.REFUSED, "the edit cannot be applied")
        await asyncio.sleep(_CLOSE_SECONDS)  # the writer closes the socket, and so ends `run`

    async def _write(self) -> None:
        websocket, outbox = self._websocket, self._outbox
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while (frame := outbox.take()) is not None:
                    self._writing_since = self._loop.time()
                    await websocket.send_bytes(frame)
                    self._last_write, self._writing_since = self._loop.time(), 0.0
            except (WebSocketDisconnect, RuntimeError):
                return  # the client is gone; the reader sees it too
            if self._closing is not None:
                await close(websocket, *self._closing)
                return
            self._serve_catch_up()

    # From the client

    async def _handle(self, message: Message) -> bool:
        """Act on a message; tells whether it changed this client's presence."""
        if isinstance(message, Edit):
            await self._edit(message)
        elif isinstance(message, Awareness):
            return self._room.receive_presence(self, message.payload)
        elif isinstance(message, Ask):
            self._outbox.catch_up_from(message.state_vector)
            self._wake.set()
        elif isinstance(message, Control):
            self._renew(message.body)
        elif isinstance(message, QueryAwareness):
            everybody = self._room.presence.encode_present(self)
            if everybody is not None:
                self._outbox.put(ywebsocket.awareness(everybody), self._room.shown)
                self._wake.set()
        return False

    def _renew(self, body: dict[str, Any]) -> None:
        """A later `hello` brings a fresh ticket of the same person: the session goes on under its grant."""
        ticket = body.get("ticket")
        if not self._ours or body["type"] != "hello" or not isinstance(ticket, str):
            return
        grant, before = self._authorise(ticket), self._session.grant
        if grant.subject != before.subject:
            raise Rejected(CloseCode.FORBIDDEN, "the ticket is another person's", "forbidden")
        self._session.grant, self.writes = grant, grant.role.writes
        self.identity = Identity(grant.subject, grant.name, grant.role) if grant.named else None
        if grant.role is not before.role:
            self._tell_role()

    async def _edit(self, edit: Edit) -> None:
        session, number = self._session, self._session.edits
        if not session.grant.role.writes or self._room.frozen:
            session.place(number, NEVER)
            self._refuse_edit(edit)
            return
        admission = await self._admit(edit.update)
        position = self._room.apply(self, admission)
        if admission.parked is None:
            if edit.step2:
                session.redeem(position)
            session.place(number, position)
        else:
            metrics.parked.inc()
            first = not session.parked
            session.place(number, None)
            session.park(admission.parked, step2=edit.step2, now=self._loop.time())
            self._room.park(self, on=True)
            if first and not edit.step2:
                self._put(ywebsocket.step1(self._room.shown))
        self._room.await_level(self)

    async def _admit(self, update: bytes) -> Admission:
        try:
            return await self._hub.admit(self._room, update, self._room.held(self))
        except InvalidUpdate as error:
            raise Rejected(CloseCode.REFUSED, f"the edit is refused: {error}", error.reason) from error
        except WorkerDied as error:
            raise Rejected(CloseCode.REFUSED, "the edit is refused", "worker_died") from error

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
        """Queue an edit of others."""
        if self._outbox.put(frame, shown):
            metrics.catch_ups.inc()
        self._wake.set()

    def tell(self, payload: bytes, frame: bytes, shown: bytes) -> None:
        """Queue presence of others."""
        self._outbox.put(frame, shown)
        self._wake.set()

    def reached(self, position: int) -> bool:
        """Acknowledge what `position` covers."""
        session = self._session
        if session.reached(position) and self._ours:
            self._outbox.put_saved(ywebsocket.control("saved", n=session.saved, level=self._room.level))
            self._wake.set()
        return session.waits

    def caught_up(self, update: bytes, presence: bytes | None) -> None:
        """Queue the diff that was asked for; from here on, edits of others follow."""
        self._catching_up = False
        frames = [ywebsocket.step2(update)]
        if presence is not None:
            frames.append(ywebsocket.awareness(presence))
        self._outbox.caught_up(frames)
        self._wake.set()

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
        except InvalidUpdate as error:
            self._reject(Rejected(CloseCode.REFUSED, f"the edit is refused: {error}", error.reason))
        except Rejected as error:
            self._reject(error)
        except Poisoned:
            self.close(CloseCode.REFUSED, "the edit cannot be applied")
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
            self._closing = (code, reason)
            self._closing_since = self._loop.time()
            self._wake.set()

    def check(self, now: float) -> None:
        """Close what stalls or has expired, and keep a silent socket alive."""
        limits, expires = self._hub.limits, self._session.grant.expires
        if self._writing_since and now - self._writing_since > limits.stalled_seconds:
            metrics.rejects.labels("stalled").inc()
            self._cut()
        elif self._closing is not None:
            if now - self._closing_since > _CLOSE_SECONDS:
                self._cut()
        elif self._session.is_overdue(now):
            self._reject(Rejected(CloseCode.OUT_OF_SYNC, "edits rest on missing ones", "parked_too_long"))
        elif expires is not None and time.time() > expires:
            self._reject(Rejected(CloseCode.TOKEN_EXPIRED, "the token has expired", "token_expired"))
        elif now - self._last_write > _KEEPALIVE and not self._writing_since:
            self._put(ywebsocket.KEEPALIVE)

    # Helpers

    def _serve_catch_up(self) -> None:
        wants = self._outbox.wants
        if wants is None or self._catching_up:
            return
        self._catching_up = True
        try:
            self._room.catch_up(self, wants)
        except Rejected as error:
            self._reject(error)

    def _reject(self, error: Rejected) -> None:
        metrics.rejects.labels(error.label).inc()
        log.info("client rejected", material=self._room.id, subject=self.author, reason=error.label)
        if self._ours:
            self._put(ywebsocket.control("error", code=int(error.code), reason=error.reason))
        self.close(error.code, error.reason)

    def _put(self, frame: bytes) -> None:
        if not self._outbox.put_essential(frame):
            metrics.rejects.labels("clogged").inc()
            self.close(CloseCode.TOO_SLOW, "you read too slowly")
        self._wake.set()


async def receive(websocket: WebSocket) -> bytes:
    """The next binary message. Raises WebSocketDisconnect, Rejected."""
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1005))
    frame: bytes | None = event.get("bytes")
    if frame is None:
        raise Rejected(CloseCode.MALFORMED, "messages are binary", "text_message")
    return frame


async def close(websocket: WebSocket, code: CloseCode, reason: str) -> None:
    """Close the socket, if it is still open; a reason has at most 123 bytes on the wire."""
    if websocket.application_state is not WebSocketState.DISCONNECTED:
        try:
            await websocket.close(int(code), reason.encode()[:120].decode(errors="ignore"))
        except (WebSocketDisconnect, RuntimeError):
            return  # it left first
