"""Tokens at the socket: signed claims (JWT) about one person and its roles.

Claims: `sub` and `exp` (required), `name`, `grants` (material id, or `*`, to role), `create`.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from collab.auth.grants import EVERY_MATERIAL, Grant, Role
from collab.auth.keys import Keys, SecretKey
from collab.errors import CloseCode, Rejected

_MAX_TOKEN = 16 << 10  # bytes
_GUEST_SECONDS = 10 * 365 * 86400  # a browser stays the same guest
_MAX_SUBJECT = 255  # characters
_MAX_NAME = 60  # characters


@dataclass(frozen=True, slots=True)
class Guest:
    """A person without an account, known by a token that its browser keeps."""

    id: str
    name: str


class Tokens:
    """Signs and reads the tokens of one secret, or reads those of somebody's public keys."""

    def __init__(self, key: bytes | Keys, audience: str | None = None) -> None:
        self._keys: Keys = SecretKey(key) if isinstance(key, bytes) else key
        self._audience = audience  # tells our guest tokens and socket tokens apart

    async def prepare(self, token: str) -> None:
        """Learn of the key of `token` where the signer has a new one: before `read`, which asks nobody.

        Raises Rejected with UNAVAILABLE where the signer's keys were never read.
        """
        await self._keys.prepare(token)

    def check_key(self, token: str) -> None:
        """In place of `prepare` where nothing can be awaited.

        Raises Rejected with TOKEN_EXPIRED for a key that is not known yet: who comes back is prepared for.
        """
        if not self._keys.knows(token):
            raise Rejected(CloseCode.TOKEN_EXPIRED, "come back with this token", "new_key")

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a valid token. Raises Rejected with UNAUTHENTICATED."""
        if not token or len(token) > _MAX_TOKEN:
            raise _bad("a token is needed" if not token else "the token is too long")
        registry = JWTClaimsRegistry(sub={"essential": True}, exp={"essential": True})
        try:
            decoded = jwt.decode(token, self._keys.now, algorithms=self._keys.algorithms)
            registry.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _bad("the token is not valid or has expired") from error
        if self._audience is not None and not _names(decoded.claims.get("aud"), self._audience):
            raise _bad("the token was made for something else")
        if not _is_subject(decoded.claims["sub"]):
            raise _bad("the token names nobody")
        return decoded.claims

    def sign(self, claims: dict[str, Any], seconds: int) -> str:
        """A token with `claims`, valid for `seconds`. Only who has a secret signs."""
        assert isinstance(self._keys, SecretKey)
        now = int(time.time())
        stamped = {**claims, "iat": now, "exp": now + seconds}
        if self._audience:
            stamped["aud"] = self._audience
        return jwt.encode({"alg": "HS256"}, stamped, self._keys.now, algorithms=SecretKey.algorithms)

    def grant(self, token: str, material: str) -> Grant:
        """What `token` allows on `material`. Raises Rejected (UNAUTHENTICATED, FORBIDDEN)."""
        claims = self.read(token)
        grants = claims.get("grants")
        role = _role(grants, material) if isinstance(grants, dict) else None
        if role is None:
            raise Rejected(CloseCode.FORBIDDEN, "you have no access to this material", "forbidden")
        name = claims.get("name")
        return Grant(
            subject=claims["sub"],
            name=clean_name(name) if isinstance(name, str) else "",
            role=role,
            expires=float(claims["exp"]),
            create=claims.get("create") is True and role.writes,
        )


class Guests:
    """Signed guest identities."""

    def __init__(self, secret: bytes) -> None:
        self._tokens = Tokens(secret, audience="guest")

    def know(self, token: str | None, name: str | None) -> tuple[Guest, str]:
        """The guest of `token` (a new one without), under `name` if given, and its token."""
        known = self.read(token) if token else None
        if known is None:
            known = Guest(f"guest:{secrets.token_urlsafe(9)}", f"Guest {secrets.randbelow(900) + 100}")
        if name and clean_name(name):
            known = Guest(known.id, clean_name(name))
        return known, self._tokens.sign({"sub": known.id, "name": known.name}, _GUEST_SECONDS)

    def read(self, token: str) -> Guest | None:
        """The guest of `token`; None for a token that is not valid."""
        try:
            claims = self._tokens.read(token)
        except Rejected:
            return None
        return Guest(claims["sub"], str(claims.get("name", "")))


def clean_name(name: str) -> str:
    """A name fit to be shown: one line, no control characters, at most 60 characters."""
    printable = "".join(char if char.isprintable() else " " for char in name)
    return " ".join(printable.split())[:_MAX_NAME].rstrip()


def _role(grants: dict[str, Any], material: str) -> Role | None:
    named = grants.get(material, grants.get(EVERY_MATERIAL))
    return next((role for role in Role if role == named), None)


def _names(audience: object, us: str) -> bool:
    """Whether the claim `aud` is, or has in its list, `us`."""
    return audience == us or (isinstance(audience, list) and us in audience)


def _is_subject(subject: object) -> bool:
    """Text of sensible length that can be stored: a lone surrogate has no UTF-8."""
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
        return False
    try:
        subject.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad(reason: str) -> Rejected:
    return Rejected(CloseCode.UNAUTHENTICATED, reason, "unauthenticated")
