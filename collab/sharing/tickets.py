"""Tickets for our page: each opens one socket of one material, within a minute of being made.

Whoever gets hold of a token can use it again. A ticket that has opened a socket, or is a minute old, is worth
nothing; the catalogue knows which were used, so that holds on all nodes.
"""

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from collab.auth.bearer import Bearer
from collab.auth.grants import Grant, Role
from collab.auth.tokens import Tokens
from collab.errors import CloseCode, Rejected
from storage.clock import unix_milliseconds
from storage.errors import StorageError

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

SECONDS = 60
"""How old a ticket may be. The catalogue forgets after so long that it was used."""

_MARK = "ticket."


@dataclass(frozen=True, slots=True)
class Bound:
    """Whom a ticket is for, and what its session may be.

    Attributes:
        link, login: as in Bearer.
        role: what the bearer's own token grants on the material; None where the catalogue decides.
        until: Unix time in seconds at which the session ends.
    """

    subject: str
    name: str
    link: str
    login: str
    role: Role | None
    until: float


class Tickets:
    """Makes and takes tickets, signed with the secret of the installation that `catalog` knows."""

    def __init__(self, catalog: "Catalog") -> None:
        self._tokens = Tokens(catalog.installation.secret, audience="ticket")
        self._used = catalog.idempotency

    def make(self, material: str, bound: Bound) -> str:
        """A new ticket."""
        claims: dict[str, Any] = {"sub": bound.subject, "name": bound.name, "link": bound.link}
        claims |= {"login": bound.login, "material": material, "until": bound.until}
        claims |= {"role": bound.role, "once": secrets.token_urlsafe(12)}
        return _MARK + self._tokens.sign(claims, SECONDS)

    @staticmethod
    def made(token: str) -> bool:
        """Whether this is a ticket, good or not."""
        return token.startswith(_MARK)

    def read(self, ticket: str, material: str) -> Bearer:
        """Whom a ticket is for; it stays unused. Raises Rejected with UNAUTHENTICATED."""
        return _bearer(self._claims(ticket, material))

    async def use(self, ticket: str, material: str) -> Bearer:
        """Whom a ticket is for, once. Raises Rejected: UNAUTHENTICATED, UNAVAILABLE."""
        claims = self._claims(ticket, material)
        try:
            used = await self._used.claim(claims["sub"], _MARK + claims["once"], b"", unix_milliseconds())
        except StorageError as error:
            raise Rejected(CloseCode.UNAVAILABLE, "tickets cannot be taken now", "no_catalog") from error
        if used is not None:
            raise _bad()
        return _bearer(claims)

    def _claims(self, ticket: str, material: str) -> dict[str, Any]:
        claims = self._tokens.read(ticket.removeprefix(_MARK))
        if claims["material"] != material or claims["until"] <= time.time():
            raise _bad()
        return claims


def _bearer(claims: dict[str, Any]) -> Bearer:
    role, until = claims["role"], float(claims["until"])
    granted = Grant(claims["sub"], claims["name"], Role(role), until) if role is not None else None
    return Bearer.of(claims | {"exp": until}, granted)


def _bad() -> Rejected:
    return Rejected(CloseCode.UNAUTHENTICATED, "this ticket is not good any more", "ticket")
