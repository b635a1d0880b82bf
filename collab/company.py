"""Who is in a room: members of this node, told to the other nodes, and members of theirs.

Each node tells the others of its own members only, and its own members of everybody.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from collab import peers
from collab.member import Member
from collab.peers import Visible
from collab.presence import Identity, Presence, Told
from collab.protocol import ywebsocket
from collab.protocol.framing import frame
from collab.protocol.lib0 import Malformed
from storage.base import Bus
from storage.clock import unix_milliseconds

_CROWD = 200  # members; beyond it presence is told less often
_CROWD_PACE = 0.00025  # seconds per member between two tellings in a crowd
_FORGET = 45_000  # milliseconds after which a member of another node is gone, unless it was told of again


class Telling(NamedTuple):
    """Presence that is to be told to the members of this node."""

    payload: bytes
    wire: bytes
    """The payload as a frame."""
    own: Mapping[object, bytes]
    """For members whose own entry is among it: the payload without that, b"" if nothing is left."""

    def to(self, member: object) -> tuple[bytes, bytes]:
        """Payload and frame for `member`."""
        payload = self.own.get(member)
        if payload is None:
            return self.payload, self.wire
        return payload, frame(ywebsocket.awareness(payload)) if payload else b""


@dataclass(frozen=True, slots=True)
class Remote:
    """A member of another node, as the owner of a presence entry."""

    node: str
    client: int
    identity: Identity | None
    writes: bool
    wrote: bool


class Company:
    """The presence of one room.

    Attributes:
        presence: the entries of all nodes.
        is_due: whether something is to be told.
    """

    def __init__(
        self,
        material: str,
        members: Collection[Member],
        bus: Bus,
        schedule: Callable[[], None],
        tell: Callable[[Telling], None],
    ) -> None:
        """`members` are the room's own; `schedule` asks for a flush, in which `tell_due` is called.

        `tell` tells them, where that happens at a time of its own.
        """
        self.presence = Presence()
        self._material = material
        self._members = members
        self._bus = bus
        self._schedule = schedule
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._next = 0.0  # event-loop time before which nothing is told
        self._timer: asyncio.TimerHandle | None = None
        self._told: set[int] = set()  # client ids whose entries changed since the last flush
        self._own: set[int] = set()  # those of them that the other nodes are to be told of
        self._wrote: dict[object, int] = {}  # members of this node who have written under their presence's id
        self._heard: dict[int, int] = {}  # when other nodes' members were last told of, milliseconds

    @property
    def is_due(self) -> bool:
        """Whether an entry changed since the last flush."""
        return bool(self._told)

    def receive(self, member: Member, message: bytes, now: int) -> bool:
        """Take in presence of a member of this node; tells whether its entry changed. Raises Malformed."""
        client = self.presence.receive(member, member.identity, message, now)
        if client is None:
            return False
        self._note(client)
        return True

    def leave(self, member: Member) -> None:
        """Forget a member of this node."""
        self._wrote.pop(member, None)
        client = self.presence.leave(member)
        if client is not None:
            self._note(client)

    def wrote(self, member: Member, clients: Collection[int]) -> None:
        """`member` sent new structs of `clients`."""
        own = self.presence.client_of(member)
        if own is not None and own in clients and self._wrote.get(member) != own:
            self._wrote[member] = own
            self._own.add(own)
            self._told.add(own)
            self._schedule()

    def has_written(self, owner: object, client: int) -> bool:
        """Whether the owner of this presence entry has written under its id."""
        return owner.wrote if isinstance(owner, Remote) else self._wrote.get(owner) == client

    def renew(self, now: int, age: int) -> None:
        """Tell again what others are about to forget: entries told more than `age` milliseconds ago."""
        for client in [client for client, heard in self._heard.items() if now - heard > _FORGET]:
            self._remove(client)
        for client in self.presence.due(now, age):
            self._note(client)

    # Other nodes

    def ask(self) -> None:
        """Ask the other nodes who is there."""
        self._bus.publish(self._material, peers.ASK)

    def hear(self, node: str, message: bytes, now: int) -> None:
        """Take in what another node tells."""
        if message == peers.ASK:
            self.introduce()
            return
        with contextlib.suppress(Malformed):  # a lost message does no harm
            members, clock = peers.decode(message)
            self.presence.outrun(clock)
            for seen in members:
                self._place(node, seen, now)

    def introduce(self) -> None:
        """Tell the other nodes of every member of this one."""
        for client in self.presence.clients():
            self._note(client)

    def forget(self, node: str) -> None:
        """A node has died, and its members with it."""
        for client in list(self._heard):
            owner = self.presence.owner_of(client)
            if isinstance(owner, Remote) and owner.node == node:
                self._remove(client)

    def _place(self, node: str, seen: Visible, now: int) -> None:
        owner = self.presence.owner_of(seen.client)
        if owner is not None and not isinstance(owner, Remote):
            if seen.state is None:  # it came from there to here, and is not gone
                self._note(seen.client)
        elif seen.state is not None:
            identity = Identity(seen.subject, seen.name, seen.role) if seen.role else None
            remote = Remote(node, seen.client, identity, seen.writes, seen.wrote)
            self.presence.place(remote, identity, seen.client, seen.state, now)
            self._heard[seen.client] = now
            self._note(seen.client)
        elif owner is not None and owner.node == node:
            self._remove(seen.client)

    def _remove(self, client: int) -> None:
        del self._heard[client]
        owner = self.presence.owner_of(client)
        if isinstance(owner, Remote):
            self.presence.leave(owner)
            self._told.add(client)
            self._schedule()

    def _note(self, client: int) -> None:
        self._told.add(client)
        if not isinstance(self.presence.owner_of(client), Remote):
            self._own.add(client)
        self._schedule()

    # The flush

    def take_due(self) -> Telling | None:
        """What changed, to be told now; None where nothing did, or a crowd was told a moment ago."""
        if not self._told or self._next > self._loop.time():
            return None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if len(self._members) > _CROWD:
            self._next = self._loop.time() + _CROWD_PACE * len(self._members)
        return self._collect()

    def tell_due(self, patience: float = 0.0) -> None:
        """Tell what changed; or `patience` seconds after it may be told, unless somebody takes it before."""
        if not self._told:
            return
        now = self._loop.time()
        at = max(self._next, now) + patience
        if at > now:
            if self._timer is None:
                self._timer = self._loop.call_at(at, self._tell_late)
            return
        telling = self.take_due()
        if telling is not None:
            self._tell(telling)

    def close(self) -> None:
        """Tell nothing more."""
        self._told.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _tell_late(self) -> None:
        self._timer = None
        self.tell_due()

    def _collect(self) -> Telling:
        clients, self._told = self._told, set()
        own, self._own = self._own, set()
        told = Told(self.presence.tell(clients, unix_milliseconds()))
        if own:
            members = [self._visible(client) for client in own]
            self._bus.publish(self._material, peers.encode(members, self.presence.clock))
        payload = told.payload()
        apart = {}
        for client in clients:
            owner = self.presence.owner_of(client)
            if owner is not None:
                apart[owner] = told.payload(client) if len(told) > 1 else b""
        return Telling(payload, frame(ywebsocket.awareness(payload)), apart)

    def _visible(self, client: int) -> Visible:
        owner = self.presence.owner_of(client)
        if owner is None:
            return Visible(client, None, "", "", "", writes=False, wrote=False)
        who = owner.identity or Identity("", "", "")
        state, wrote = self.presence.state_of(client), self.has_written(owner, client)
        return Visible(client, state, who.subject, who.name, who.role, owner.writes, wrote)
