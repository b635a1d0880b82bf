"""All of accounts, put together from the settings."""

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
from collab.settings import Settings
from storage.catalog.catalog import Catalog

CALLBACK = "/api/v1/oidc/callback"
"""Where issuers send browsers back to: the redirect URI to register with them, behind the public URL."""


@dataclass(frozen=True, slots=True)
class AccountService:
    """What the API needs of accounts."""

    accounts: Accounts
    sessions: Sessions
    factors: Factors
    identities: Identities
    claims: Claims


def create_accounts(settings: Settings, catalog: Catalog, guests: Guests) -> AccountService:
    """The accounts of a started catalogue. Raises StartError."""
    people, audit = catalog.people, catalog.audit
    secret = catalog.installation.secret
    url = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    post = Post(carrier(settings))
    sessions = Sessions(people, audit, DeviceTokens(secret))
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
