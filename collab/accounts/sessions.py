"""Signed-in devices: opened, kept alive, told apart and ended."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from collab.accounts.access import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    SHARED_SECONDS,
    DeviceTokens,
    token_hash,
)
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit
from storage.catalog.people import People
from storage.catalog.people_values import Login, User
from storage.clock import unix_milliseconds

_AT_ONCE_MS = 10_000  # within which two tabs may come with the same refresh token
_WEEK_MS = 7 * 86_400_000
_MAX_DEVICE = 200  # characters


@dataclass(frozen=True, slots=True)
class Device:
    """What somebody signs in with.

    Attributes:
        name: what the browser calls itself.
        shared_computer: whether others use it, too.
        address: where it comes from; counted, never stored.
    """

    name: str = ""
    shared_computer: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who calls: a Principal of the API.

    Attributes:
        login: the device that it calls from.
    """

    user: User
    login: Login
    guest: bool = False

    @property
    def id(self) -> str:
        """The stable id, `sub` of its tokens."""
        return self.user.id

    @property
    def name(self) -> str:
        """For people to read."""
        return self.user.name

    @property
    def tier(self) -> str:
        """`free` or `premium`."""
        return self.user.tier


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device that is signed in, and its new tokens; `seconds` is how long the access token is valid."""

    user: User
    login: str
    access: str
    refresh: str
    seconds: int = ACCESS_SECONDS


class Sessions:
    """The logins of the catalogue. `ended` is told the id of each one that is signed out."""

    def __init__(
        self, people: People, audit: Audit, tokens: DeviceTokens, ended: Callable[[str], None]
    ) -> None:
        self._people = people
        self._audit = audit
        self._tokens = tokens
        self._ended = ended

    async def open(self, user: User, device: Device) -> SignedIn:
        """Sign `user` in on `device`: who calls has made sure who it is."""
        id, now = secrets.token_urlsafe(16), unix_milliseconds()
        refresh = self._tokens.refresh(id)
        seconds = SHARED_SECONDS if device.shared_computer else REFRESH_SECONDS
        name = "".join(char for char in device.name if char.isprintable())[:_MAX_DEVICE]
        await self._people.add_login(
            Login(
                id,
                user.id,
                created=now,
                seen=now,
                expires=now + seconds * 1000,
                refresh=token_hash(refresh),
                device=name,
                shared_computer=device.shared_computer,
            )
        )
        await self._audit.append(user.id, "login.open", "login", id)
        return self._signed_in(user, id, refresh)

    async def refresh(self, token: str) -> SignedIn:
        """New tokens for a refresh token that was never used. Raises Rejected with UNAUTHENTICATED.

        One that was used before ends the login: somebody has a copy of it, and nobody knows who. Only within
        ten seconds that is believed to be another tab, and merely refused.
        """
        id, now = self._tokens.login_of(token), unix_milliseconds()
        found = await self._people.session(id) if id else None
        if found is None or not found[0].active:
            raise _signed_out()
        user, login = found
        new = self._tokens.refresh(login.id)
        expires = login.expires if login.shared_computer else now + REFRESH_SECONDS * 1000
        if await self._people.rotate(login.id, token_hash(token), token_hash(new), now, expires):
            return self._signed_in(user, login.id, new)
        await self._suspect(login.id, token_hash(token), now)
        raise _signed_out()

    async def authenticate(self, token: str) -> Person | None:
        """The bearer of an access token; None for a token of another kind, or none at all.

        Raises Rejected with UNAUTHENTICATED where its login has ended.
        """
        said = self._tokens.read(token)
        if said is None:
            return None
        found = await self._people.session(said.login)
        if found is None:
            raise _signed_out()
        user, login = found
        if user.id != said.user or not user.active or login.revoked or login.expires <= unix_milliseconds():
            raise _signed_out()
        return Person(user, login)

    async def devices(self, user: str) -> list[Login]:
        """The devices that a user is signed in on, the last seen first."""
        return await self._people.logins(user, unix_milliseconds())

    async def purge(self) -> None:
        """Forget logins and mailed links that expired a week ago."""
        await self._people.purge(unix_milliseconds() - _WEEK_MS)

    async def end(self, user: str, id: str) -> bool:
        """Sign one device out; False where the user has no such device signed in."""
        ended = await self._people.revoke_login(user, id, unix_milliseconds())
        if ended:
            self._ended(id)
            await self._audit.append(user, "login.end", "login", id)
        return ended

    async def end_all(self, user: str, *, but: str = "") -> int:
        """Sign all devices of a user out, except the login `but`; how many."""
        ended = await self._people.revoke_logins(user, unix_milliseconds(), but=but)
        for id in ended:
            self._ended(id)
        if ended:
            await self._audit.append(user, "login.end_all", "user", user, {"count": len(ended)})
        return len(ended)

    async def _suspect(self, id: str, hash: bytes, now: int) -> None:
        """End a login whose refresh token came again, unless another tab was just quicker."""
        login = await self._people.login(id)
        if login is None or login.revoked or login.refresh == hash:  # the last: it has merely expired
            return
        if login.previous == hash and now - login.seen < _AT_ONCE_MS:
            return
        if await self._people.revoke_login(login.user, id, now):
            self._ended(id)
            await self._audit.append(login.user, "login.reused", "login", id)

    def _signed_in(self, user: User, login: str, refresh: str) -> SignedIn:
        return SignedIn(user, login, self._tokens.access(user.id, login), refresh)


def _signed_out() -> Rejected:
    return Rejected(CloseCode.UNAUTHENTICATED, "this device is not signed in", "signed_out")
