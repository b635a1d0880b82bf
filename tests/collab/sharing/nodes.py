"""Real servers in this process that share catalogue, log and bus, and clients that keep what they hear."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from benchmarks.client import Client
from collab.app import create_app
from collab.auth.grants import Grant, Role
from collab.backends import Backends
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import read_settings
from storage.catalog.catalog import Catalog
from storage.catalog.shares import Item, Kind, Scope, Share, Tab
from storage.local_bus import LocalBus
from storage.local_lease import LocalLease
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from tests.collab.live import serving

OWNER = "ann"
MATERIAL = "m"
SECRET = "a secret of the platform, long enough"


class Session(Client):
    """A client that keeps what it was told; roles and error codes apart."""

    def __init__(self, url: str, room: str, **options: Any) -> None:
        super().__init__(url, room, **options)
        self.roles: list[str] = []
        self.errors: list[int] = []
        self.controls: list[dict[str, Any]] = []

    def _control(self, body: dict[str, Any]) -> None:
        super()._control(body)
        self.controls.append(body)
        if body["type"] in ("ready", "role"):
            self.roles.append(body["role"])
        elif body["type"] == "error":
            self.errors.append(body["code"])

    async def is_now(self, role: str) -> None:
        await self.until(lambda: self.roles[-1:] == [role])

    async def ends(self, code: int) -> None:
        await self.until(lambda: self.close_code == code)


class Node:
    """One server."""

    def __init__(self, app: Starlette, url: str) -> None:
        self.app = app
        self.url = f"{url}/collab"

    @property
    def hub(self) -> Hub:
        hub: Hub = self.app.state.hub
        return hub

    def token(self, subject: str, seconds: int = 600, **claims: Any) -> str:
        token: str = self.app.state.door.tokens.sign({"sub": subject, "name": subject} | claims, seconds)
        return token

    @asynccontextmanager
    async def session(self, subject: str, material: str = MATERIAL, **options: Any) -> AsyncIterator[Session]:
        claims = options.pop("claims", {})
        token = options.pop("token", None) or self.token(subject, **claims)
        carried = {"token": token} if options.get("plain") else {"ticket": token}
        client = Session(self.url, material, **carried, **options)
        await client.connect()
        try:
            yield client
        finally:
            await client.close()

    async def refused(self, subject: str, material: str = MATERIAL, **claims: Any) -> int:
        """The code with which a session of `subject` is turned away."""
        client = Session(self.url, material, ticket=self.token(subject, **claims))
        try:
            await client.connect()
        except ConnectionError:
            return client.close_code
        finally:
            await client.kill()
        raise AssertionError("it was let in")


class Nodes:
    """The nodes of a test, by name, and what they share."""

    def __init__(self, folder: Path, stack: AsyncExitStack, **settings: Any) -> None:
        self.catalog = Catalog(folder / "catalog.db")
        self._folder = folder
        self._stack = stack
        self._settings = {"auth": "links"} | settings
        self._bus, self._lease = LocalBus(), LocalLease()
        self._documents = MemoryLog()._documents
        self._objects = MemoryObjects()
        self._nodes: dict[str, Node] = {}

    async def node(self, name: str = "a") -> Node:
        if name not in self._nodes:
            log = MemoryLog()
            log.node, log._documents = name, self._documents
            bus = self._bus.of_node(name)
            backends = Backends(log, self._objects, bus, self._lease, self.catalog)
            data = self._folder / name
            data.mkdir()
            app = create_app(read_settings(data=data, **self._settings), backends=backends)
            url = await self._stack.enter_async_context(serving(app))
            self._nodes[name] = Node(app, url)
        return self._nodes[name]

    async def share(
        self,
        person: str,
        role: Role,
        *,
        scope: Scope = Scope.MATERIAL,
        target: str = MATERIAL,
        expires: int | None = None,
    ) -> Share:
        """Give a role, past the services that tell of it."""
        id = f"{scope}-{target}-{person}"
        return await self.catalog.sharing.give(
            Share(id, scope, target, Kind.USER, person, role.value, 1, OWNER, expires)
        )


@asynccontextmanager
async def nodes(folder: Path, **settings: Any) -> AsyncIterator[Nodes]:
    """Nodes with a tab `t` of Ann's and the material `m` in it, whose document is there."""
    async with AsyncExitStack() as stack:
        made = Nodes(folder, stack, **settings)
        await made.catalog.start()
        stack.push_async_callback(made.catalog.close)
        await made.catalog.shelf.add_tab(Tab("t", OWNER, "Biology", "", 0, 1))
        await made.catalog.shelf.add(Item(MATERIAL, None, "Cells", 1, OWNER, OWNER, "t", 0, 1))
        hub = (await made.node()).hub
        room = await hub.open(MATERIAL, create=True)
        async with await Participant.join(room, Grant("server", "", Role.OWNER)):
            pass
        yield made
