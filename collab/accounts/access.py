"""The two tokens of a signed-in device.

The access token says for 15 minutes who calls. The refresh token gets the next one and is replaced with
every use (RFC 9700, section 4.14). It is signed, so that any older one of a device is known for what it is:
somebody has a copy.
"""

import secrets
from dataclasses import dataclass
from hashlib import blake2b, sha256

from itsdangerous import BadSignature, Signer

from collab.auth.tokens import Tokens
from collab.errors import Rejected

ACCESS_SECONDS = 15 * 60
"""How long an access token is valid."""
REFRESH_SECONDS = 30 * 86400
"""How long a device stays signed in that nobody uses."""
SHARED_SECONDS = 12 * 3600
"""The same on a shared computer, from sign-in."""

_MAX_TOKEN = 500  # characters of a refresh token


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token says: the ids of a user and of the login."""

    user: str
    login: str


class DeviceTokens:
    """Signs and reads both kinds with the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        self._access = Tokens(secret, audience="account")
        self._refresh = Signer(secret, salt="refresh", digest_method=sha256)

    def access(self, user: str, login: str) -> str:
        """A new access token."""
        return self._access.sign({"sub": user, "sid": login}, ACCESS_SECONDS)

    def read(self, token: str) -> Access | None:
        """What an access token says; None where it has expired or is none of ours."""
        try:
            claims = self._access.read(token)
        except Rejected:
            return None
        return Access(claims["sub"], claims["sid"])

    def refresh(self, login: str) -> str:
        """A new refresh token."""
        return self._refresh.sign(f"{login}.{secrets.token_urlsafe(24)}").decode()

    def login_of(self, refresh: str) -> str | None:
        """The login that a refresh token was made for, used or not; None for what we never made."""
        try:
            return self._refresh.unsign(refresh[:_MAX_TOKEN]).decode().partition(".")[0]
        except (BadSignature, ValueError):
            return None


def token_hash(token: str) -> bytes:
    """What is stored of a random token: 32 bytes."""
    return blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
