"""What the routes of accounts ask for: the service, the caller with its device, and what it signs in with."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from collab.accounts.service import AccountService
from collab.accounts.sessions import Device, Person, SignedIn
from collab.api import dependencies
from collab.api.dependencies import Caller, Principal, SocketTokens, address_of
from collab.api.models.accounts import Session
from collab.api.problems import Missing, Refused
from collab.auth.door import Door
from collab.errors import CloseCode, Rejected


class AccountTokens:
    """Authenticator of a server with accounts: takes the tokens of accounts, guests and sockets."""

    def __init__(self, service: AccountService, door: Door) -> None:
        self._sessions = service.sessions
        self._guests = door.guests
        self._others = SocketTokens(door)

    async def authenticate(self, token: str) -> Principal:
        """The bearer of `token`. Raises Rejected with UNAUTHENTICATED."""
        person = await self._sessions.authenticate(token)
        if person is not None:
            return person
        guest = self._guests.read(token)
        if guest is not None:
            return dependencies.Person(guest.id, guest.name)
        return await self._others.authenticate(token)


async def _service(request: Request) -> AsyncIterator[AccountService]:
    service: AccountService | None = request.app.state.accounts
    if service is None:  # the platform has the accounts
        raise Missing
    try:
        yield service
    except Refused:
        raise
    except Rejected as error:
        if error.code is CloseCode.REFUSED:  # what the state of an account forbids
            raise Refused(409, error.reason, error.label) from error
        raise


async def _signed_in(caller: Caller) -> Person:
    if isinstance(caller, Person):
        return caller
    raise Rejected(CloseCode.FORBIDDEN, "this needs an account", "account_needed")


def device(request: Request, *, shared_computer: bool) -> Device:
    """What the request comes from."""
    return Device(request.headers.get("user-agent", ""), shared_computer, address_of(request))


def session(signed_in: SignedIn) -> Session:
    """The answer to a sign-in."""
    return Session(
        id=signed_in.login,
        user=signed_in.user.id,
        name=signed_in.user.name,
        access=signed_in.access,
        refresh=signed_in.refresh,
        seconds=signed_in.seconds,
    )


AccountsDep = Annotated[AccountService, Depends(_service)]
SignedInCaller = Annotated[Person, Depends(_signed_in)]
"""The caller of a route for accounts, with its device."""
