"""What tokens are signed with: one key, or those that an issuer publishes (JWKS, RFC 7517) and replaces."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import extract_compact

from collab.auth.fetching import fetch_json
from collab.errors import CloseCode, Rejected
from collab.logs import log

PUBLIC_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures of public keys. Never HS256 among them: a public key is no secret."""

_FRESH = 600.0  # seconds after which published keys are read again
_PAUSE = 10.0  # seconds between two readings, whatever tokens come
_MAX_HEADER = 16 << 10  # characters of a token

Fetch = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Reads a JSON object from a URL. Raises OSError or ValueError."""


class Keys(Protocol):
    """Keys that signatures are checked with."""

    algorithms: tuple[str, ...]
    """Those that are accepted, whatever a token says."""

    @property
    def now(self) -> Key | KeySet:
        """The keys as they are known."""

    def knows(self, token: str) -> bool:
        """Whether the key that `token` names is among those of `now`, or it names none."""

    async def prepare(self, token: str) -> None:
        """Learn of the key that `token` names, where that is new. Raises Rejected with UNAVAILABLE."""


class SecretKey:
    """A secret that signer and reader share (HS256)."""

    algorithms: tuple[str, ...] = ("HS256",)

    def __init__(self, secret: bytes) -> None:
        self.now: OctKey = OctKey.import_key(secret)

    def knows(self, token: str) -> bool:
        """There is one key, whatever it is called."""
        return True

    async def prepare(self, token: str) -> None:
        """Nothing to learn."""


class PublicKey:
    """A public key in PEM form. Raises ValueError for anything else, a private key included."""

    algorithms: tuple[str, ...] = PUBLIC_ALGORITHMS

    def __init__(self, pem: str) -> None:
        try:
            key = _public_key(pem)
        except (JoseError, ValueError, TypeError) as error:
            raise ValueError("this is no public key in PEM form") from error
        if key.is_private:
            raise ValueError("this is a private key: the server needs the public one")
        self.now = key

    def knows(self, token: str) -> bool:
        """There is one key, whatever it is called."""
        return True

    async def prepare(self, token: str) -> None:
        """Nothing to learn."""


class PublishedKeys:
    """The keys at a URL, kept until they are old or a token names one that is not among them.

    Keys that cannot be read again stay as they were. Unknown names cannot make the server ask more often than
    every 10 seconds.
    """

    algorithms: tuple[str, ...] = PUBLIC_ALGORITHMS

    def __init__(
        self, url: str, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._fetch = fetch or fetch_json
        self._clock = clock
        self._tried = -_FRESH  # when keys were last asked for
        self._read = -_FRESH  # when they were last read
        self._reading = asyncio.Lock()
        self.now = KeySet([])

    async def prepare(self, token: str) -> None:
        """Read the keys where they are old or lack the one that `token` names. Raises Rejected."""
        if not self._lacks(token):
            return
        async with self._reading:  # who waited here finds them read
            if self._lacks(token) and self._clock() - self._tried >= _PAUSE:
                self._tried = self._clock()
                await self._renew()
        if not self.now.keys:
            raise Rejected(CloseCode.UNAVAILABLE, "the keys of the issuer cannot be read", "keys")

    def knows(self, token: str) -> bool:
        """See Keys."""
        name = _key_name(token)
        return name is None or any(key.kid == name for key in self.now.keys)

    def _lacks(self, token: str) -> bool:
        return self._clock() - self._read >= _FRESH or not self.knows(token)

    async def _renew(self) -> None:
        try:
            found = _key_set(await self._fetch(self._url))
        except (OSError, ValueError) as error:
            log.warning("keys of an issuer cannot be read", url=self._url, error=str(error))
            return
        self.now, self._read = found, self._clock()


def _key_set(answer: Mapping[str, Any]) -> KeySet:
    """The keys that verify signatures; others, and those of kinds unknown to us, are left out."""
    published = answer.get("keys")
    if isinstance(published, list):
        return KeySet([key for one in published if (key := _verifying_key(one)) is not None])
    raise ValueError("there are no keys in the answer")


def _verifying_key(published: object) -> Key | None:
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    if published.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        return import_key(published)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _public_key(pem: str) -> Key:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return kind.import_key(pem)
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError("no known kind of key")


def _key_name(token: str) -> str | None:
    """The `kid` that a token names, which nobody has checked yet."""
    if len(token) > _MAX_HEADER:
        return None
    try:
        name = extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) else None
