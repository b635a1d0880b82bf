"""All of accounts, put together from the settings."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from collab.accounts.access import DeviceTokens
from collab.accounts.accounts import Accounts, Parts
from collab.accounts.factors import Factors
from collab.accounts.guests import Claims
from collab.accounts.identities import Identities
from collab.accounts.links import MailLinks
from collab.accounts.mail import Post, carrier
from collab.accounts.oidc import OidcClient
from collab.accounts.passwords import Passwords
from collab.accounts.sessions import Sessions
from collab.auth.tokens import Guests
from collab.logs import log
from collab.settings import Settings
from storage.catalog.catalog import Catalog
from storage.errors import StorageError

CALLBACK = "/api/v1/oidc/callback"
"""Where issuers send browsers back to: the redirect URI to register with them, behind the public URL."""

_HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class AccountService:
    """What the API needs of accounts."""

    accounts: Accounts
    sessions: Sessions
    factors: Factors
    identities: Identities
    claims: Claims

    async def run(self) -> None:
        """Forget once an hour what has expired, until cancelled."""
        while True:
            try:
                await self.sessions.purge()
            except StorageError as error:
                log.warning("expired logins were not forgotten", error=str(error))
            await asyncio.sleep(_HOUR)


def create_accounts(
    settings: Settings, catalog: Catalog, guests: Guests, ended: Callable[[str], None]
) -> AccountService:
    """The accounts of a started catalogue; `ended` is told each login that ends. Raises StartError."""
    people, audit = catalog.people, catalog.audit
    secret = catalog.installation.secret
    url = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    post = Post(carrier(settings))
    sessions = Sessions(people, audit, DeviceTokens(secret), ended)
    factors = Factors(people, audit, Passwords())
    clients = {one.name: OidcClient(one, url + CALLBACK, secret) for one in settings.oidc}
    parts = Parts(people, audit, sessions, factors, MailLinks(people, post), post, url)
    return AccountService(
        Accounts(parts),
        sessions,
        factors,
        Identities(people, audit, post, clients),
        Claims(people, audit, guests),
    )
