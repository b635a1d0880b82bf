"""All rooms of this node: opening each document once, unloading idle ones, making snapshots, draining."""

import asyncio
import time
from collections.abc import Container
from functools import partial

from collab import metrics
from collab.backends import Backends
from collab.document import BIG, Document, check_in_worker
from collab.errors import CloseCode, Poisoned, Rejected
from collab.guard import CrashGuard
from collab.logs import log
from collab.peers import Peers
from collab.relay import Relay
from collab.room import Room
from collab.settings import AuthMode, Settings, Unrecorded
from collab.sharing.access import Access
from collab.sharing.notices import Notices
from collab.sharing.owners import Owners
from collab.sharing.tickets import Tickets
from collab.sharing.visits import Visits
from collab.snapshotter import Snapshotter
from collab.surveys import Surveys
from collab.updates import Admission
from collab.workers import WorkerDied, Workers
from storage.appending import append
from storage.clock import unix_milliseconds
from storage.errors import Corrupt, StorageError, Unavailable
from storage.format import encode_entry
from storage.loader import Loaded, load
from storage.values import Entry

_BEAT = 1.0  # seconds between two rounds of housekeeping
_COMPARE = 3.0  # seconds between two looks at whether rooms are level with the log
_LAST_APPEND = 5.0  # seconds that a load waits for an append of the room before it
_LAST_CLAIMS = 2.0  # seconds that a closing server gives the catalogue to take owners of client ids
_FAREWELL = 1.0  # seconds that a draining server waits for its last close frames to be written
_ABSENT = "absent"
_RENEW_PRESENCE = 18_000  # milliseconds; clients forget an entry after 30 s


class Hub:
    """The rooms of one node.

    Attributes:
        rooms: open documents by material id.
        level: what acknowledgements wait for.
        accepting: whether new members may come; False while the server drains.
        access, notices, visits: who may do what, what changed of it, and whom that concerns here.
        tickets: what our page opens sockets with; None where a platform does that, or nobody is known.
    """

    def __init__(
        self,
        settings: Settings,
        backends: Backends,
        workers: Workers,
        guard: CrashGuard,
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self.level = settings.level or backends.log.strongest
        metrics.level.info({"level": self.level, "node": backends.log.node})
        self.limits = settings.limits()
        self.workers = workers
        self.accepting = True
        self._settings = settings
        self._log = backends.log
        self._objects = backends.objects
        self._bus = backends.bus
        self._guard = guard
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._relays: dict[Room, Relay] = {}
        self._surveys = Surveys(workers, self._break)
        self._housekeeper = Workers()  # for compactions and suspects, so that clients' edits need not wait
        self._snapshotter = Snapshotter(settings, backends, self._housekeeper)
        self._dropped: dict[str, Room] = {}  # rooms given up with an append under way
        self._careful: set[str] = set()  # materials that were poisoned, nobody knows by whom
        self.peers = Peers(self._bus, self._forget_node, self._introduce)
        catalog = None if settings.auth is AuthMode.NONE else backends.catalog
        self._owners = Owners(catalog, self._bus)
        self.access = Access(catalog)
        has_tickets = settings.auth is AuthMode.LINKS
        self.tickets = Tickets(catalog) if has_tickets and catalog is not None else None
        self.notices = Notices(self._bus)
        platform = settings.auth is AuthMode.JWT
        self.visits = Visits(self.access, self.notices, platform=platform)

    # Opening

    async def open(self, material: str, *, create: bool = False) -> Room:
        """The room of `material`, loaded once however many ask. Raises Rejected.

        `create` lets an absent material come into being; without it, absent and forbidden are one answer.
        """
        if not self.accepting:
            raise Rejected(CloseCode.DRAIN, "the server is restarting", "draining")
        room = self.rooms.get(material)
        if room is not None:
            return room
        task = self._opening.get(material)
        if task is None:
            task = asyncio.create_task(self._open(material, create))
            self._opening[material] = task
            task.add_done_callback(lambda _: self._opening.pop(material, None))
        try:
            room = await asyncio.shield(task)
        except Rejected as error:
            if not (create and error.label == _ABSENT):
                raise
            return await self.open(material, create=True)  # the one who asked first might not create
        return room if not room.is_closed else await self.open(material, create=create)

    async def _open(self, material: str, create: bool) -> Room:
        self._make_space()
        await self._outlive(material)
        relay = Relay(material, self._log, self._objects, self.admit, self._break)
        try:
            # What is appended from here on is announced; what came before it is loaded.
            await relay.follow()
            room = await self._load(material, create)
            await self._bus.subscribe(material, partial(self._hear, room))
        except BaseException as error:
            relay.close()
            if isinstance(error, StorageError):
                reason = "corrupt" if isinstance(error, Corrupt) else "unavailable"
                metrics.load_failures.labels(reason).inc()
                log.error("document cannot be opened", material=material, error=str(error))
                raise _unavailable(reason) from error
            raise
        self.rooms[material], self._relays[room] = room, relay
        metrics.rooms.set(len(self.rooms))
        if room.document.index is None:
            self._surveys.begin(room)
        self._owners.opened(material, room.ownership)
        relay.start(room, room.recorder.cursor)
        room.company.ask()
        return room

    async def _load(self, material: str, create: bool) -> Room:
        started = time.perf_counter()
        loaded = await load(material, self._log, self._objects)
        if not loaded.exists:
            if not create:
                raise Rejected(CloseCode.FORBIDDEN, "you have no access to this material", _ABSENT)
            loaded = await self._create(material, loaded)
        document = await self._live(material, loaded)
        metrics.load_seconds.observe(time.perf_counter() - started)
        room = Room(
            material,
            document,
            self._log,
            self._bus,
            loaded.cursor,
            level=self.level,
            limits=self.limits,
            hold_unrecorded=self._settings.unrecorded is Unrecorded.HOLD,
            on_poisoned=self._drop,
        )
        room.recorder.entries = loaded.entries_since_snapshot
        room.recorder.size = loaded.bytes_since_snapshot
        room.recorder.oldest = asyncio.get_running_loop().time()
        return room

    async def _outlive(self, material: str) -> None:
        """Wait for the append that a dropped room left under way: a load must not miss it."""
        room = self._dropped.pop(material, None)
        if room is not None:
            await room.recorder.until_sent(_LAST_APPEND)

    async def _create(self, material: str, loaded: Loaded) -> Loaded:
        """Write the entry without parts that makes a material exist."""
        entry = encode_entry(Entry(unix_milliseconds()))
        await append(self._log, material, entry, loaded.cursor, self.level)
        return await load(material, self._log, self._objects)

    async def _live(self, material: str, loaded: Loaded) -> Document:
        if self._guard.is_suspect(material):
            try:
                await self._housekeeper.run(check_in_worker, loaded.updates)
            except (WorkerDied, Poisoned) as error:
                metrics.load_failures.labels("crash_loop").inc()
                log.critical("document kills its process; refused until repaired", material=material)
                reason = "this material is being repaired"
                raise Rejected(CloseCode.UNAVAILABLE, reason, "crash_loop") from error
        self._guard.opened(material)
        document = Document()
        document.is_careful = material in self._careful
        try:
            document.load(loaded.updates)
            if document.size <= BIG:
                document.survey()
        except Poisoned as error:
            metrics.load_failures.labels("poisoned").inc()
            log.critical("stored document cannot be applied", material=material, error=str(error))
            raise _unavailable("poisoned") from error
        return document

    async def admit(self, room: Room, update: bytes, held: Container[int] = ()) -> Admission:
        """What of `update` can be applied to the document; see `Surveys.admit`."""
        return await self._surveys.admit(room, update, held)

    def _make_space(self) -> None:
        """Unload the room that was left longest, if the node is full. Raises Rejected."""
        if len(self.rooms) + len(self._opening) <= self._settings.rooms:
            return
        idle = [room for room in self.rooms.values() if not room.members and room.is_settled]
        if not idle:
            raise Rejected(CloseCode.TOO_MANY, "the server has too many open materials", "rooms_full")
        self._unload(min(idle, key=lambda room: room.empty_since))

    # Housekeeping

    async def probe(self) -> None:
        """Raises Unavailable when the log does not answer, or did not take the last append of a room."""
        await self._log.state("")
        for room in self.rooms.values():
            if room.recorder.is_away:
                raise Unavailable("append", room.id)

    async def keep_house(self) -> None:
        """Unload idle rooms, renew presence, make snapshots that are due; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_BEAT)
            ages = [
                loop.time() - room.recorder.oldest for room in self.rooms.values() if room.recorder.entries
            ]
            metrics.unsnapshotted_seconds.set(max(ages, default=0.0))
            for room in list(self.rooms.values()):
                try:
                    self._attend(room, loop.time())
                except Exception:  # noqa: BLE001 - the other rooms must be attended to all the same
                    log.exception("housekeeping failed", material=room.id)
            self._owners.work()

    async def keep_level(self) -> None:
        """Look every few seconds whether a room has missed what another node appended; until cancelled."""
        while self._log.shared:
            await asyncio.sleep(_COMPARE)
            await self._compare()

    async def _compare(self) -> None:
        relays = [(room.id, relay, relay.position) for room, relay in self._relays.items()]
        try:
            positions = await self._log.positions([material for material, _, _ in relays])
        except Exception as error:  # noqa: BLE001 - whatever the log answers, the next look may go well
            log.warning("the log does not answer", error=str(error))
            return
        for (_, relay, before), position in zip(relays, positions, strict=True):
            relay.compare(before, position)

    def _attend(self, room: Room, now: float) -> None:
        for member in list(room.members):
            member.check(now)
        self._owners.attend(room.id, room.ownership)
        if room.members:
            room.company.renew(room.now(), _RENEW_PRESENCE)
            self._snapshotter.attend(room, now)
        elif room.is_settled and now - room.empty_since >= self._settings.idle_seconds:
            self._unload(room)

    def _unload(self, room: Room) -> None:
        self._forget(room)
        room.close(CloseCode.DRAIN, "the material was unloaded")
        self._guard.closed(room.id)
        self._careful.discard(room.id)
        if room.recorder.entries:
            self._snapshotter.begin(room)

    # Other nodes

    def _hear(self, room: Room, node: str, message: bytes) -> None:
        self.peers.lives(node)
        if not room.ownership.hear(message):
            room.hear(node, message)

    def _forget_node(self, node: str) -> None:
        for room in self.rooms.values():
            room.company.forget(node)

    def _introduce(self) -> None:
        """This node was silent for so long that the others have forgotten its members."""
        for room in self.rooms.values():
            room.company.introduce()

    def _break(self, room: Room, error: Exception) -> None:
        """Drop a room that cannot take what storage holds; opening it anew tells what is wrong."""
        metrics.poisoned.inc()
        log.critical("stored content cannot be applied", material=room.id, error=repr(error))
        self._give_up(room)

    def _drop(self, room: Room, guilty: bytes) -> None:
        """Drop a document object that cannot be trusted; its members come back to a fresh one.

        What they had sent and was not acknowledged they still hold, and send again. Where it is not known
        whose edit it was, the next document of this material tells.
        """
        if not guilty:
            self._careful.add(room.id)
        metrics.poisoned.inc()
        log.critical("document object dropped", material=room.id, guilty=guilty[:200].hex())
        self._give_up(room)

    def _give_up(self, room: Room) -> None:
        self._forget(room)
        if room.recorder.is_sending:
            self._dropped[room.id] = room
        room.close(CloseCode.UNAVAILABLE, "the material is loaded anew")

    def _forget(self, room: Room) -> None:
        relay = self._relays.pop(room, None)
        if relay is not None:
            relay.close()
        self._owners.closed(room.id, room.ownership)
        if self.rooms.get(room.id) is room:
            del self.rooms[room.id]
            self._bus.unsubscribe(room.id)
            metrics.rooms.set(len(self.rooms))

    # Stopping

    async def drain(self) -> None:
        """Take nobody in, let every room record what it holds, then close sockets in waves."""
        self.accepting = False
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        for task in list(self._opening.values()):
            await asyncio.wait([task], timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if self._log.shared:  # what it has lost a moment ago, nobody may be left to put back
            await self._compare()
        for room in list(self.rooms.values()):
            while not room.is_settled and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - it lasts milliseconds, once
                await asyncio.sleep(0.01)
        unfinished = sum(not room.is_settled for room in self.rooms.values())
        metrics.unfinished.inc(unfinished)
        members = [member for room in self.rooms.values() for member in room.members]
        for number, member in enumerate(members):
            member.close(CloseCode.DRAIN, "the server is restarting")
            if number % 200 == 199:  # clients come back without jitter: not all in one instant
                await asyncio.sleep(0.1)
        until = asyncio.get_running_loop().time() + _FAREWELL
        while any(room.members for room in self.rooms.values()):
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.01)
        log.info("drained", members=len(members), unfinished=unfinished)

    async def close(self) -> None:
        """Unload everything; snapshots under way are finished."""
        self._surveys.cancel()
        for room in list(self.rooms.values()):
            self._unload(room)
        await self._snapshotter.finish(self._settings.drain_seconds)
        await self._owners.finish(_LAST_CLAIMS)
        self._housekeeper.close()


def _unavailable(label: str) -> Rejected:
    return Rejected(CloseCode.UNAVAILABLE, "this material cannot be opened now", label)
