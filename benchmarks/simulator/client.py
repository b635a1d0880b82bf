"""A simulated client: a Yjs document that edits, loses its server, finds another and resumes."""

from collections.abc import Callable
from typing import Any

from pycrdt import Array, Doc, Text, TransactionEvent

from benchmarks.simulator.awareness import Awareness
from benchmarks.simulator.ledger import Fact, Ledger, Token, View, view
from benchmarks.simulator.node import Node
from benchmarks.simulator.socket import Socket
from benchmarks.simulator.world import World
from collab.protocol import messages, ywebsocket

_BACKOFF = (0.1, 2.5)  # seconds between tries to connect: first, longest
_SILENCE = 30.0  # seconds after which the server counts as gone
_TICK = 2.0  # seconds
_ARRIVED = 0.5  # seconds after which an edit is at its server; who is told of none has only this
_PERMANENT = range(4400, 4500)  # close codes that no honest client gets


class Client:
    """One tab. Of the two dialects, only `studyhub.v1` (`ours`) tells what is saved.

    Attributes:
        unsaved: facts of its own that were not acknowledged, in order.
        synced: whether it has the server's state.
        on_saved: called when everything of its own is acknowledged.
        is_gone: whether the tab was closed; nothing it knew is left.
    """

    def __init__(
        self,
        world: World,
        ledger: Ledger,
        nodes: Callable[[], list[Node]],
        name: str,
        document: str,
        *,
        ours: bool,
        believes: bool = False,
    ) -> None:
        """`nodes` gives those that it may try; `believes`: what it sees is recorded, whatever it is told."""
        self.name = name
        self.document = document
        self.ours = ours
        self.unsaved: dict[Fact, None] = {}
        self.synced = False
        self.is_gone = False
        self.is_stalled = False
        self.client = world.random.getrandbits(31)
        self.awareness = Awareness(self.client)
        self.doc: Doc[Any] = Doc(client_id=self.client)
        self.socket: Socket | None = None
        self.on_saved: Callable[[], None] | None = None
        self._text = self.doc.get("text", type=Text)
        self._items = self.doc.get("items", type=Array)
        self._world = world
        self._ledger = ledger
        self._nodes = nodes
        self._believes = believes
        self._count = 0
        self._mine: list[str] = []  # tokens that are there
        self._sent: list[list[Fact]] = []  # by edit of this connection
        self._acknowledged = 0
        self._backoff = _BACKOFF[0]
        self._is_open = False
        self._heard = self._edited = 0.0
        self._unrecorded = False
        self._shown: set[str] = set()  # tokens visible before the last frame
        self._made: list[bytes] = []
        self._subscription = self.doc.observe(self._keep)
        self._editing = False
        world.at(_TICK, self._tick)

    @property
    def view(self) -> View:
        """What it shows."""
        return view(self.doc)

    @property
    def is_level(self) -> bool:
        """Whether it has the server's state, and the server has all of its own."""
        if not self.synced or self.socket is None or self.socket.is_silent:
            return False
        return not self.unsaved if self.ours else self._world.now - self._edited > _ARRIVED

    # Connections

    def connect(self) -> None:
        """Try a node; again and again until one answers."""
        if self.is_gone or self.socket is not None:
            return
        node = self._world.random.choice(self._nodes())
        socket = node.accept(self, self.document, ours=self.ours)
        if socket is None:
            self._retry()
            return
        self.socket = socket
        self._heard = self._world.now
        if self.is_stalled:
            socket.stall()

    def _retry(self) -> None:
        self._world.at(self._backoff * self._world.random.uniform(0.5, 1.0), self.connect)
        self._backoff = min(2 * self._backoff, _BACKOFF[1])

    def opened(self, socket: Socket) -> None:
        """See Peer."""
        if socket is not self.socket:
            return
        self._world.note("open", self.name)
        self._is_open = True
        self._sent, self._acknowledged = [], 0
        if self.ours:
            socket.send(ywebsocket.control("hello", ticket=self.name))
        socket.send(ywebsocket.step1(self.doc.get_state()))
        socket.send(self.awareness.mine())

    def closed(self, socket: Socket, code: int) -> None:
        """See Peer."""
        if socket is not self.socket:
            return
        self._world.note("closed", f"{self.name} {code}")
        if code in _PERMANENT:
            self._world.fail(f"{self.name} was sent away with {code}")
        self._forget()
        self._retry()

    def _forget(self) -> None:
        self.socket = None
        self._is_open = self.synced = self._unrecorded = False
        self.awareness.clear()

    def leave(self, *, politely: bool) -> None:
        """Close the tab; all that only it knew is gone."""
        self.is_gone = True
        if self.socket is not None:
            if politely:
                self.socket.leave()
            else:
                self.socket.vanish(0.0, self._world.random.uniform(0.0, 25.0))
        self._forget()

    def stall(self) -> None:
        """Stop reading and typing."""
        self.is_stalled = True
        if self.socket is not None:
            self.socket.stall()

    def wake(self) -> None:
        """Read on."""
        if self.is_stalled:
            self.is_stalled = False
            if self.socket is not None:
                self.socket.read_on()

    def _tick(self) -> None:
        if self.is_gone:
            return
        now = self._world.now
        self._world.at(_TICK, self._tick)
        if self.is_stalled:
            return
        if self.socket is not None and now - self._heard > _SILENCE:
            self.socket.leave()
            self._forget()
            self._retry()
        if self.awareness.tick(now) and self._is_open and self.socket is not None:
            self.socket.send(self.awareness.mine())

    # Edits

    def edit(self) -> None:
        """One random transaction."""
        if self.is_gone or self.is_stalled:
            return
        chance = self._world.random.random()
        if chance < 0.25 and self._mine:
            self._change(self._delete)
        elif chance < 0.45:
            self._change(self._insert_item)
        else:
            self._change(self._insert_word)

    def move(self) -> None:
        """Show another presence."""
        if not self.is_gone and not self.is_stalled:
            self.awareness.move(self._world.now)
            if self._is_open and self.socket is not None:
                self.socket.send(self.awareness.mine())

    def _change(self, change: Callable[[], Fact]) -> None:
        self._editing = True
        with self.doc.transaction():
            fact = change()
        self._editing = False
        if fact.present:
            clock = ywebsocket.decode_state_vector(self.doc.get_state())[self.client] - 1
            self._ledger.write(fact.token, Token(self.document, self.name, self.client, clock))
            self._mine.append(fact.token)
            self._shown.add(fact.token)
        else:
            self._ledger.deleted[fact.token] = None
            self._shown.discard(fact.token)
        self.unsaved[fact] = None
        self._edited = self._world.now
        self._world.note("edit", f"{self.name} {fact.token}{'' if fact.present else ' deleted'}")
        made, self._made = self._made, []
        for update in made:
            if self._is_open and self.socket is not None:
                self._sent.append([fact])
                self.socket.send(ywebsocket.update(update))

    def _insert_word(self) -> Fact:
        words = str(self._text).split(";")
        at = self._world.random.randrange(len(words))
        token = self._name()
        self._text.insert(sum(len(word) + 1 for word in words[:at]), f"{token};")
        return Fact(token, True)

    def _insert_item(self) -> Fact:
        token = self._name()
        self._items.insert(self._world.random.randint(0, len(self._items)), token)
        return Fact(token, True)

    def _name(self) -> str:
        self._count += 1
        return f"{self.name}.{self._count}"

    def _delete(self) -> Fact:
        token = self._mine.pop(self._world.random.randrange(len(self._mine)))
        words = str(self._text).split(";")[:-1]
        if token in words:
            start = sum(len(word) + 1 for word in words[: words.index(token)])
            del self._text[start : start + len(token) + 1]
        else:
            del self._items[list(self._items).index(token)]
        return Fact(token, False)

    def _keep(self, event: TransactionEvent) -> None:
        if self._editing:
            self._made.append(event.update)

    # Frames

    def received(self, socket: Socket, frame: bytes) -> None:
        """See Peer."""
        if socket is not self.socket or self.is_gone:
            return
        self._heard = self._world.now
        match ywebsocket.decode(frame):
            case messages.Edit(update, step2):
                self._take(update)
                if step2:
                    self.synced = True
                    self._backoff = _BACKOFF[0]
            case messages.Ask(state_vector):
                self._sent.append(list(self.unsaved))
                socket.send(ywebsocket.step2(self.doc.get_update(state_vector)))
            case messages.Awareness(payload):
                self.awareness.receive(payload, self._world.now)
            case messages.Control(body):
                self._told(body)

    def _take(self, update: bytes) -> None:
        self.doc.apply_update(update)
        shown = set(self.view.tokens)
        if self._believes or (self.ours and not self._unrecorded):
            for token in sorted(shown ^ self._shown):
                self._ledger.promise(Fact(token, token in shown), f"seen by {self.name}")
        self._shown = shown

    def _told(self, body: dict[str, Any]) -> None:
        if body["type"] == "saved":
            for facts in self._sent[self._acknowledged : body["n"]]:
                for fact in facts:
                    if self.unsaved.pop(fact, 0) is None:
                        self._world.note("saved", f"{self.name} {fact.token}")
                        self._ledger.promise(fact, f"acknowledged to {self.name}")
            self._acknowledged = body["n"]
            if not self.unsaved and self.on_saved is not None:
                self.on_saved()
        elif body["type"] == "unrecorded":
            self._unrecorded = body["on"]
        elif body["type"] == "error":
            self._world.note("told an error", f"{self.name} {body['code']} {body['reason']}")
