"""What routes of the API ask for: who calls, and the parts of the running server.

A route takes them as annotated parameters:

    async def create(body: NewTab, caller: Caller, catalog: CatalogDep) -> Tab: ...
"""

from enum import StrEnum
from typing import Annotated, Protocol

from fastapi import Depends, Request
from pydantic import AfterValidator

from collab.auth.door import Door
from collab.backends import Backends
from collab.errors import CloseCode, Rejected
from collab.hub import Hub
from collab.settings import AuthMode, Settings
from storage.catalog.values import storable

_BEARER = "bearer"


class Tier(StrEnum):
    """How much an account may ask for."""

    FREE = "free"
    PREMIUM = "premium"


class Principal(Protocol):
    """Who calls: an account, a guest, or nobody. Structural, so that accounts need not import the API."""

    @property
    def id(self) -> str:
        """The stable id, `sub` of its tokens; "" for nobody."""

    @property
    def name(self) -> str:
        """For people to read."""

    @property
    def guest(self) -> bool:
        """Whether it is known by a guest's token only."""

    @property
    def tier(self) -> str:
        """`free` or `premium`."""


class Authenticator(Protocol):
    """Tells who the bearer of a token is; `app.state.authenticator`."""

    async def authenticate(self, token: str) -> Principal:
        """The bearer of `token`. Raises Rejected with UNAUTHENTICATED."""


class Person:
    """A Principal known by its token alone.

    `link`, `login`: ids of the share link that it came by and of the login that it rests on, "" without one.
    """

    def __init__(
        self, id: str = "", name: str = "", tier: str = Tier.FREE, link: str = "", login: str = ""
    ) -> None:
        self.id = id
        self.name = name
        self.guest = True
        self.tier = tier
        self.link = link
        self.login = login


NOBODY: Principal = Person()
"""Who comes without a token."""


class SocketTokens:
    """Authenticator of a server without accounts: the bearer of a token for sockets is its subject."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def authenticate(self, token: str) -> Principal:
        """The subject of `token`. Raises Rejected with UNAUTHENTICATED."""
        if self._door.mode is AuthMode.NONE:
            return NOBODY
        await self._door.tokens.prepare(token)
        claims = self._door.tokens.read(token)
        link, login = (str(claims.get(name, "")) for name in ("link", "login"))
        return Person(claims["sub"], str(claims.get("name", "")), link=link, login=login)


async def authenticate(request: Request) -> Principal:
    """Who calls, found once in a request. Raises Rejected with UNAUTHENTICATED for a token that is bad."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        authenticator: Authenticator = request.app.state.authenticator
        token = bearer_token(request)
        known = NOBODY if token is None else await authenticator.authenticate(token)
        request.state.principal = known
    return known


def bearer_token(request: Request) -> str | None:
    """What follows `Authorization: Bearer`; None without it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == _BEARER else None


def unauthenticated() -> Rejected:
    """The refusal of somebody without a token where one is needed."""
    return Rejected(CloseCode.UNAUTHENTICATED, "a bearer token is needed", "unauthenticated")


def address_of(request: Request) -> str:
    """The address that the request comes from; "" where it has none."""
    return request.client.host if request.client else ""


async def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


async def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends


def _storable(text: str) -> str:
    if not storable(text):
        raise ValueError("NUL and lone surrogates cannot be stored")
    return text


Caller = Annotated[Principal, Depends(authenticate)]
"""Who calls; NOBODY without a token."""
HubDep = Annotated[Hub, Depends(_hub)]
DoorDep = Annotated[Door, Depends(_door)]
SettingsDep = Annotated[Settings, Depends(_settings)]
BackendsDep = Annotated[Backends, Depends(_backends)]
Storable = Annotated[str, AfterValidator(_storable)]
"""Text that every database takes."""
