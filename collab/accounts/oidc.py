"""Sign-in with OpenID Connect: the authorization code flow with PKCE, for any issuer.

https://openid.net/specs/openid-connect-core-1_0.html, section 3.1, and RFC 7636 (PKCE), 9207 (`iss`).

`begin` gives the page an address to go to and a `flow`, which it keeps. The issuer sends the browser back
with a code; `finish` takes both. The flow ties the answer to the browser that asked, so no cookie is needed.
"""

import hmac
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from collab.accounts.mail import clean_address
from collab.auth.fetching import fetch_json
from collab.auth.keys import PublishedKeys
from collab.auth.tokens import Tokens, clean_name
from collab.errors import CloseCode, Rejected
from collab.logs import log
from collab.settings import Issuer
from storage.catalog.values import storable

_FLOW_SECONDS = 600  # to sign in at the issuer
_DISCOVERY_SECONDS = 3600.0  # for which what an issuer says of itself is believed
_LEEWAY = 60  # seconds that its clock may be wrong
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the browser goes, and what the page keeps meanwhile."""

    url: str
    flow: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to the redirect address."""

    flow: str
    code: str
    state: str
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an issuer vouches for.

    Attributes:
        email: only an address that the issuer has verified.
    """

    issuer: str
    subject: str
    email: str | None
    name: str


class OidcClient:
    """One issuer, as the settings describe it. `redirect` is our address that it sends browsers to."""

    def __init__(self, issuer: Issuer, redirect: str, secret: bytes) -> None:
        self._issuer = issuer
        self._redirect = redirect
        self._flows = Tokens(secret, audience=f"oidc:{issuer.name}")
        self._metadata: Mapping[str, Any] = {}
        self._read = -_DISCOVERY_SECONDS  # when the metadata were read
        self._keys: PublishedKeys | None = None

    @property
    def issuer(self) -> str:
        """The issuer's address, which names it."""
        return self._issuer.issuer

    async def begin(self) -> Beginning:
        """A new flow. Raises Rejected with UNAVAILABLE."""
        metadata = await self._discover()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self._issuer.client_id,
            "redirect_uri": self._redirect,
            "scope": self._issuer.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self._issuer.form_post:
            query["response_mode"] = "form_post"
        endpoint = metadata["authorization_endpoint"]
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"
        flow = {"sub": state, "nonce": nonce, "verifier": verifier}
        return Beginning(url, self._flows.sign(flow, _FLOW_SECONDS))

    async def finish(self, answer: Answer) -> Subject:
        """Whom the issuer vouches for. Raises Rejected: UNAUTHENTICATED, UNAVAILABLE."""
        flow = self._flows.read(answer.flow)
        if not hmac.compare_digest(flow["sub"].encode(), answer.state.encode("utf-8", "surrogatepass")):
            raise _bad("state")
        if answer.issuer is not None and answer.issuer != self._issuer.issuer:
            raise _bad("issuer")
        metadata = await self._discover()
        tokens = await self._exchange(metadata, answer.code, flow["verifier"])
        claims = await self._check(tokens.get("id_token"), flow["nonce"])
        return self._subject(await self._with_address(metadata, claims, tokens.get("access_token")))

    async def _discover(self) -> Mapping[str, Any]:
        """What the issuer says of itself (OpenID Connect Discovery 1.0). Raises Rejected."""
        if time.monotonic() - self._read < _DISCOVERY_SECONDS:
            return self._metadata
        url = self._issuer.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await _ask(url)
        if found.get("issuer") != self._issuer.issuer or not all(
            isinstance(found.get(name), str) for name in _ENDPOINTS
        ):
            log.error("an issuer describes somebody else, or too little", issuer=self._issuer.issuer)
            raise _away()
        if self._keys is None or found["jwks_uri"] != self._metadata["jwks_uri"]:
            self._keys = PublishedKeys(found["jwks_uri"])
        self._metadata, self._read = found, time.monotonic()
        return found

    async def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        """The tokens for a code. Raises Rejected."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._issuer.client_id,
            "code_verifier": verifier,
        }
        headers = {}
        if self._issuer.client_secret is not None:
            secret = self._issuer.client_secret.get_secret_value()
            methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if "client_secret_basic" in methods:
                pair = f"{quote(self._issuer.client_id, safe='')}:{quote(secret, safe='')}"
                headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            else:
                form["client_secret"] = secret
        return await _ask(metadata["token_endpoint"], form, headers)

    async def _check(self, token: object, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that was made for us and this flow (Core, 3.1.3.7). Raises Rejected."""
        if not isinstance(token, str):
            raise _bad("token")
        assert self._keys is not None
        await self._keys.prepare(token)
        expected = JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer.issuer},
            aud={"essential": True, "value": self._issuer.client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._keys.now, algorithms=self._keys.algorithms).claims
            expected.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _bad("token") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._issuer.client_id) != self._issuer.client_id:
            raise _bad("audience")
        return claims

    async def _with_address(
        self, metadata: Mapping[str, Any], claims: dict[str, Any], access: object
    ) -> dict[str, Any]:
        """Some issuers tell the address at another endpoint only (Core, 5.3)."""
        endpoint = metadata.get("userinfo_endpoint")
        if "email" in claims or not isinstance(endpoint, str) or not isinstance(access, str):
            return claims
        more = await _ask(endpoint, headers={"Authorization": f"Bearer {access}"})
        return {**more, **claims} if more.get("sub") == claims["sub"] else claims

    def _subject(self, claims: Mapping[str, Any]) -> Subject:
        subject, name = claims["sub"], claims.get("name")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not storable(subject):
            raise _bad("subject")
        return Subject(
            self._issuer.issuer,
            subject,
            _verified_address(claims),
            clean_name(name) if isinstance(name, str) else "",
        )


def _verified_address(claims: Mapping[str, Any]) -> str | None:
    email, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(email, str) or not (verified is True or verified == "true"):  # Apple's is in quotes
        return None
    try:
        return clean_address(email)
    except Rejected:
        return None


async def _ask(
    url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """What an issuer answers. Raises Rejected: it refused the code, or does not answer."""
    try:
        return await fetch_json(url, form, headers)
    except ValueError as error:
        log.warning("an issuer refused", url=url, error=str(error))
        raise _bad("code") if form is not None else _away() from error
    except OSError as error:
        log.warning("an issuer does not answer", url=url, error=str(error))
        raise _away() from error


def _bad(what: str) -> Rejected:
    return Rejected(CloseCode.UNAUTHENTICATED, "this sign-in is not valid: try again", f"oidc_{what}")


def _away() -> Rejected:
    return Rejected(CloseCode.UNAVAILABLE, "the issuer does not answer: try again later", "oidc_unavailable")
