"""The door: who is at the socket, and what may they do here."""

from urllib.parse import urlsplit

from collab.auth.bearer import Bearer
from collab.auth.capabilities import Capabilities
from collab.auth.grants import ANONYMOUS, Grant
from collab.auth.keys import Keys, PublicKey, PublishedKeys, SecretKey
from collab.auth.rates import Rates
from collab.auth.tokens import Guests, Tokens
from collab.errors import CloseCode, Rejected, StartError
from collab.settings import LOOPBACK, AuthMode, Settings


class Door:
    """Authentication and authorisation in the mode of the settings. Raises StartError.

    Attributes:
        capabilities, guests: signed with the server's own secret; used in the mode `links`.
        rates: how often one address may come without a valid token.
    """

    def __init__(self, settings: Settings, secret: bytes) -> None:
        self.mode = settings.auth
        self.capabilities = Capabilities(secret)
        self.guests = Guests(secret)
        self.rates = Rates(settings, secret)
        if self.mode is AuthMode.JWT:
            self.tokens = Tokens(_platform_keys(settings), settings.jwt_audience or None)
        else:
            self.tokens = Tokens(secret, audience=f"socket:{self.mode}")
        self._origins = frozenset(settings.origins)

    def grant(self, token: str, material: str) -> Grant:
        """What the bearer of `token` may do on `material`. Await `tokens.prepare` first. Raises Rejected."""
        if self.mode is AuthMode.NONE:
            return ANONYMOUS
        return self.tokens.grant(token, material)

    def bearer(self, token: str, material: str) -> Bearer:
        """Who has `token`, and what it grants on `material` by itself. Raises Rejected (UNAUTHENTICATED)."""
        if self.mode is AuthMode.NONE:
            return Bearer.of_grant(ANONYMOUS)
        claims = self.tokens.read(token)
        return Bearer.of(claims, self._granted(token, material) if "grants" in claims else None)

    def _granted(self, token: str, material: str) -> Grant | None:
        try:
            return self.tokens.grant(token, material)
        except Rejected as error:
            if error.code is not CloseCode.FORBIDDEN:
                raise
            return None

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of `origin` may open a socket at `host`; programs send no origin."""
        if origin is None:
            return True
        try:
            own = urlsplit(origin).netloc == host
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if self.mode is AuthMode.NONE and name not in LOOPBACK:
            return False  # a name of somebody else's that leads here: nothing but the address protects us
        return own or origin in self._origins


def _platform_keys(settings: Settings) -> Keys:
    """What the platform signs with; the settings name one of the three. Raises StartError."""
    if settings.jwt_jwks_url:
        return PublishedKeys(settings.jwt_jwks_url)
    if settings.jwt_public_key:
        try:
            return PublicKey(settings.jwt_public_key)
        except ValueError as error:
            raise StartError(f"STUDYHUB_JWT_PUBLIC_KEY: {error}") from error
    assert settings.jwt_secret is not None
    return SecretKey(settings.jwt_secret.get_secret_value().encode())
