"""A document live on this node, with its members.

The way of an edit: admit (validator and causal gate), apply, gather until the next flush, append the entry
to the log, and only then show it to the other members; when the log has reached the durability level, the
authors get their acknowledgement. Whatever leaves a room counts as showing, so a diff for a joiner waits
for the append that covers it as well.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Container

from collab import metrics, peers
from collab.audience import Audience
from collab.company import Company, Telling
from collab.document import EMPTY_UPDATE, Document, merge
from collab.errors import CloseCode, Poisoned, Rejected
from collab.flush import Batch
from collab.limits import Limits
from collab.member import Member
from collab.ownership import Ownership
from collab.parking import Parking
from collab.protocol import ywebsocket
from collab.recorder import Recorder
from collab.updates import Admission
from storage.base import Bus, UpdateLog
from storage.clock import unix_milliseconds
from storage.values import Cursor, Level

_LOAD_FACTOR = 29.0  # the next flush waits this multiple of what the last one cost: a thirtieth of the time
_MAX_CLIENTS = 20_000  # client ids in one document; every flush looks at its whole state vector
_LONGEST_PAUSE = 0.02  # seconds; the cap of that pause


class Room:
    """One document, its members and its unfinished flushes. Runs on the event loop's thread.

    Attributes:
        id: the material id.
        recorder: the log's side of this room.
        ownership: whose client ids are whose.
        empty_since: when the last member left, or the room opened (event-loop time).
        is_closed: whether the room is over; a closed room takes nothing and shows nothing.
        frozen: why nobody may write for now, "" most of the time.
    """

    def __init__(
        self,
        material: str,
        document: Document,
        update_log: UpdateLog,
        bus: Bus,
        cursor: Cursor,
        *,
        level: Level,
        limits: Limits,
        hold_unrecorded: bool,
        on_poisoned: Callable[["Room", bytes], None],
    ) -> None:
        self.id = material
        self.document = document
        self.level = level
        self.limits = limits
        self.audience = Audience(material)
        self.members = self.audience.members
        self.company = Company(material, self.members.keys(), bus, self._schedule_flush, self._tell)
        self.presence = self.company.presence
        self.is_closed = False
        self.frozen = ""
        self._loop = asyncio.get_running_loop()
        self.empty_since = self._loop.time()
        self._on_poisoned = on_poisoned
        self._hold_unrecorded = hold_unrecorded
        self._shown = document.state_vector()  # of all that members may have seen
        self.recorder = Recorder(material, update_log, level, cursor, self._shown, self, hold=hold_unrecorded)
        self._batch = Batch(1)  # gathers until the next flush
        self._shown_position = 0  # the newest flush that was shown
        self._reached = 0  # the newest flush at the level
        self._releases: deque[tuple[int, Callable[[], None]]] = deque()  # wait for a flush to be shown
        self._asking: list[tuple[Member, bytes]] = []  # wait for a diff as of the end of `_batch`
        self._waiting: dict[Member, None] = {}  # members with edits that are not acknowledged
        self._parking = Parking()
        self._others: list[bytes] = []  # updates of other nodes, applied and not shown yet
        self._foreign = False  # another node appended since this one did
        self.ownership = Ownership(self.company, document.clocks)
        self._announced = False  # members know that the log is away
        self._flush_scheduled = False
        self._next_flush = 0.0  # event-loop time before which no flush starts

    # Members

    def join(self, member: Member) -> None:
        """Add a member. Raises Rejected when the room is full."""
        if len(self.members) >= self.limits.members_per_room:
            raise Rejected(CloseCode.TOO_MANY, "this material has too many visitors now", "room_full")
        self.audience.members[member] = None
        if self._announced:
            member.unrecorded(True)

    def leave(self, member: Member) -> None:
        """Remove a member and its presence; its accepted edits stay on their way."""
        self.members.pop(member, None)
        self._waiting.pop(member, None)
        self._parking.put(member, on=False)
        self.company.leave(member)
        if not self.members:
            self.empty_since = self._loop.time()
        self._parking.recheck()

    def freeze(self, reason: str) -> None:
        """Refuse edits, for this reason; "" takes them again."""
        if reason != self.frozen:
            self.frozen = reason
            for member in list(self.members):
                member.frozen(reason)

    def close(self, code: CloseCode, reason: str) -> None:
        """The room is over: every member has to go, outcomes that still come are passed over."""
        self.is_closed = True
        self.recorder.close()
        self.company.close()
        self._releases.clear()
        self._asking.clear()
        self._others.clear()
        self._parking.clear()
        for member in list(self.members):
            member.close(code, reason)

    @property
    def is_settled(self) -> bool:
        """Whether everything that was applied is in the log at the level, as far as can be known."""
        recorder = self.recorder
        if self._batch or recorder.is_unsure:  # this document may be the only one that is complete
            return False
        return recorder.is_idle and self._reached == self._batch.position - 1

    # Edits

    def held(self, member: Member) -> Container[int]:
        """Client ids whose new structs are another person's to send."""
        return self.ownership.held(member)

    def apply(self, member: Member, admission: Admission) -> int:
        """Apply what is ready; returns the position of the flush that covers it.

        Raises Poisoned (this room is over) and Rejected (the document is full).
        """
        ready = admission.ready
        if ready is not None:
            try:
                self._check_size(admission, len(ready))
                changed = self.document.apply(admission)
            except Poisoned as error:
                self._drop(error, member if error.guilty is ready else None)
                raise
            if changed:
                self._gather(member, ready, admission.clocks.keys())
                return self._batch.position
        if self.level is Level.REPLICATED and self._foreign:
            self._batch.confirm()  # it may have come by another node, whose entry is not at the level yet
            self._schedule_flush()
        return self._covering

    def _gather(self, member: Member, update: bytes, clients: Collection[int]) -> None:
        self.company.wrote(member, clients)
        self.ownership.wrote(member, clients)
        self._batch.add(member, member.author, update, clients)
        self._schedule_flush()
        self._parking.recheck()

    def park(self, member: Member, *, on: bool) -> None:
        """Tell `member` from now on when something new was applied; or no longer."""
        self._parking.put(member, on=on)

    def await_level(self, member: Member) -> None:
        """Acknowledge the edits of `member` when the level is reached, or now if it is."""
        if member.reached(self._reached):
            self._waiting[member] = None

    def catch_up(self, member: Member, state_vector: bytes) -> None:
        """Send `member` what it lacks, once that is recorded. Raises Rejected.

        The diff ends where a flush ends: what the next flush brings is shown to the member as to all others.
        """
        try:
            ywebsocket.decode_state_vector(state_vector)
        except ValueError as error:
            raise Rejected(CloseCode.MALFORMED, "state vector cannot be read", "malformed") from error
        if self._batch:
            self._asking.append((member, state_vector))
        else:
            self._encode_diff(member, state_vector)

    def release(self, action: Callable[[], None]) -> None:
        """Run `action` once everything applied until now may be shown."""
        if self._covering <= self._shown_position:
            action()
        else:
            self._releases.append((self._covering, action))

    @property
    def shown(self) -> bytes:
        """State vector of all that members may have seen."""
        return self._shown

    # Presence

    def receive_presence(self, member: Member, payload: bytes) -> bool:
        """Take in presence of `member`; tells whether its own entry changed. Raises Malformed."""
        changed = self.company.receive(member, payload, self.now())
        if changed:
            self._parking.recheck()
        return changed

    # Other nodes

    def hear(self, node: str, message: bytes) -> None:
        """A message of another node that has this document open."""
        if message == peers.SNAPSHOT:
            self.recorder.compacted(self.recorder.entries, self.recorder.size)
        else:
            self.company.hear(node, message, self.now())

    def take(self, admission: Admission) -> None:
        """Apply what another node has recorded. Raises Poisoned."""
        if self.document.apply(admission) and admission.ready is not None:
            self._foreign = True
            self._others.append(admission.ready)
            self._schedule_flush()
            self._parking.recheck()

    # What the recorder tells

    def recorded(self, batch: Batch) -> None:
        """The entry of `batch` is in the log: show it."""
        if self.is_closed:
            return
        started = self._loop.time()
        telling = self.company.take_due()
        if batch.position > self._shown_position:
            self._show(batch, telling)
        elif telling is not None:
            self._tell(telling)
        self._loop.call_soon(self._go_on, started)  # behind what was just scheduled: the writes

    def reached(self, position: int) -> None:
        """All flushes up to `position` have reached the level: acknowledge."""
        self._reached = max(self._reached, position)
        for member in list(self._waiting):
            self.audience.hand_over(member, self._acknowledge)

    def _acknowledge(self, member: Member) -> None:
        if not member.reached(self._reached):
            self._waiting.pop(member, None)

    def away(self, batch: Batch | None) -> None:
        """The log is away: show what it did not take, unless the settings say to hold it back."""
        if self.is_closed:
            return
        if not self._announced:
            self._announced = True
            for member in list(self.members):
                member.unrecorded(True)
        if self._hold_unrecorded:
            return
        if batch is not None and batch.position > self._shown_position:
            self._show(batch)
        if self._batch:
            self._schedule_flush()

    def back(self) -> None:
        """The log is back and has everything."""
        self._announced = False
        for member in list(self.members):
            member.unrecorded(False)

    def resumed(self) -> None:
        """Appends are taken again."""
        if self._batch:
            self._schedule_flush()

    def diff(self, state_vector: bytes) -> bytes:
        """What the document holds beyond `state_vector`; nothing any more if it turns out to be poisoned."""
        try:
            return self.document.diff(state_vector)
        except Poisoned as error:
            self._drop(error)
            return EMPTY_UPDATE

    def now(self) -> int:
        """Unix time, milliseconds."""
        return unix_milliseconds()

    # The flush

    @property
    def _covering(self) -> int:
        """The flush after which everything applied until now is in the log."""
        return self._batch.position if self._batch else self._batch.position - 1

    def _schedule_flush(self) -> None:
        if self._flush_scheduled or self.is_closed:
            return
        self._flush_scheduled = True
        delay = self._next_flush - self._loop.time()
        if delay <= 0:
            self._loop.call_soon(self._flush)
        else:
            self._loop.call_later(delay, self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self.is_closed:
            return
        started = self._loop.time()
        if self._batch and not self.recorder.is_busy:
            self._append()
        self._show_others()
        if self.company.is_due:
            # With an append under way both go in one write, unless the log takes its time.
            self.company.tell_due(_LONGEST_PAUSE if self.recorder.is_sending else 0.0)
        self._pace(started)

    def _go_on(self, started: float) -> None:
        self._pace(started)
        if self._batch:
            self._schedule_flush()

    def _append(self) -> None:
        batch, self._batch = self._batch, Batch(self._batch.position + 1)
        try:
            batch.seal(self.document.verify())
            self._record(batch)
        except BaseException as error:
            # Whatever it is, a panic of pycrdt too: no later flush may acknowledge what this one holds.
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            self._batch = batch
            self._drop(error if isinstance(error, Poisoned) else Poisoned(f"flush: {error}"))

    def _record(self, batch: Batch) -> None:
        metrics.batches.inc()
        metrics.updates.inc(batch.count)
        self._foreign = False
        asking, self._asking = self._asking, []
        for member, state_vector in asking:
            self._encode_diff(member, state_vector)
        self.recorder.append(batch)

    def _drop(self, error: Poisoned, sender: Member | None = None) -> None:
        """Give the document up: it did not take something in, or only in part."""
        sender = sender or self._batch.sender_of(error.guilty)
        if sender is not None:
            sender.close(CloseCode.REFUSED, "the edit cannot be applied")
        self._on_poisoned(self, error.guilty)

    def _encode_diff(self, member: Member, state_vector: bytes) -> None:
        update = self.diff(state_vector)

        def catch_up(to: Member) -> None:
            to.caught_up(update, self.presence.encode_present(to, self.now()))

        self.release(lambda: self.audience.hand_over(member, catch_up))

    def _pace(self, started: float) -> None:
        """Under load, wait a multiple of what was just spent, so that frames become fewer."""
        now = self._loop.time()
        pause = min(_LONGEST_PAUSE, _LOAD_FACTOR * (now - started))
        self._next_flush = max(self._next_flush, now + pause)
        metrics.flush_seconds.observe(now - started)

    def _show(self, batch: Batch, telling: Telling | None = None) -> None:
        shown = self._shown
        if not self._others:  # the batch may have been sealed on top of them
            self._shown = batch.state_vector
        self._shown_position = batch.position
        if batch.has_edits:
            self.audience.spread(batch.update(), telling, shown, batch.sole)
        elif telling is not None:
            self._tell(telling)
        while self._releases and self._releases[0][0] <= self._shown_position:
            self._releases.popleft()[1]()
        self._show_others()

    def _show_others(self) -> None:
        """Show what other nodes recorded, but not between a diff and its release: the diff may lack it."""
        if not self._others or self._releases:
            return
        updates, self._others = self._others, []
        self.audience.spread(merge(updates), None, self._shown)
        if not self._batch and self.recorder.is_idle:
            try:
                self._shown = self.document.state_vector()
            except Poisoned as error:
                self._drop(error)

    def _tell(self, telling: Telling) -> None:
        self.audience.spread(None, telling, self._shown)

    def _check_size(self, admission: Admission, more: int) -> None:
        document, limit = self.document, self.limits.document_bytes
        if (
            len(document.clocks) + len(admission.clocks) > _MAX_CLIENTS
            and admission.clocks.keys() - document.clocks
        ):
            raise Rejected(CloseCode.TOO_LARGE, "the document has too many client ids", "document_clients")
        if document.size + more > limit and document.measure() + more > limit:
            raise Rejected(CloseCode.TOO_LARGE, f"the document is above {limit} bytes", "document_full")
