"""A platform's public keys: one in the settings, or a set that it publishes and replaces."""

import asyncio
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from collab.auth.door import Door
from collab.auth.grants import Role
from collab.auth.keys import PublicKey, PublishedKeys
from collab.auth.tokens import Tokens
from collab.errors import CloseCode, Rejected, StartError
from collab.settings import AuthMode, Settings

pytestmark = pytest.mark.anyio

URL = "https://platform.example/jwks"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
NEW = ECKey.generate_key("P-256", {"kid": "new"})
ED = OKPKey.generate_key("Ed25519")


def token(key: Key, algorithm: str, kid: str | None = None, **claims: object) -> str:
    full = {"sub": "u1", "exp": int(time.time()) + 60, "grants": {"m": "editor"}} | claims
    header = {"alg": algorithm} if kid is None else {"alg": algorithm, "kid": kid}
    return jwt.encode(header, full, key, algorithms=[algorithm])


class Platform:
    """Publishes keys, and counts how often it is asked."""

    def __init__(self, *keys: Key) -> None:
        self.keys: list[object] = [key.as_dict(private=False) for key in keys]
        self.asked = 0
        self.away = False
        self.time = 0.0

    async def fetch(self, url: str) -> Mapping[str, Any]:
        assert url == URL
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise OSError("away")
        return {"keys": self.keys}

    def tokens(self) -> Tokens:
        return Tokens(PublishedKeys(URL, self.fetch, lambda: self.time))


async def role(tokens: Tokens, text: str) -> Role:
    await tokens.prepare(text)
    return tokens.grant(text, "m").role


async def refusal(tokens: Tokens, text: str) -> CloseCode:
    with pytest.raises(Rejected) as caught:
        await role(tokens, text)
    return caught.value.code


def pem(key: Key, *, private: bool = False) -> str:
    assert not isinstance(key, OctKey)
    return key.as_pem(private=private).decode()


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "Ed25519")]
)
async def test_a_public_key_reads_what_its_owner_signs(key: Key, algorithm: str) -> None:
    assert await role(Tokens(PublicKey(pem(key))), token(key, algorithm)) is Role.EDITOR


async def test_a_public_key_is_no_secret_to_sign_with() -> None:
    """Who signs with HS256 and the text of the public key, which everybody knows, is refused."""
    head = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    signed = head + b"." + token(RSA, "RS256").split(".")[1].encode()
    signature = hmac.digest(pem(RSA).encode(), signed, "sha256")
    forged = (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()

    assert await refusal(Tokens(PublicKey(pem(RSA))), forged) is CloseCode.UNAUTHENTICATED


@pytest.mark.parametrize("text", ["", "x", pem(EC, private=True)])
def test_the_setting_must_be_a_public_key(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        PublicKey(text)


async def test_many_tokens_ask_for_published_keys_once() -> None:
    platform = Platform(RSA, EC)
    tokens = platform.tokens()
    texts = [token(EC, "ES256", "ec"), token(RSA, "RS256", "rsa")] * 5

    assert set(await asyncio.gather(*(role(tokens, text) for text in texts))) == {Role.EDITOR}
    assert platform.asked == 1


async def test_a_new_key_is_found_and_an_old_one_goes() -> None:
    platform = Platform(EC)
    tokens = platform.tokens()
    await role(tokens, token(EC, "ES256", "ec"))
    platform.keys, platform.time = [NEW.as_dict(private=False)], 11

    assert await role(tokens, token(NEW, "ES256", "new")) is Role.EDITOR
    assert await refusal(tokens, token(EC, "ES256", "ec")) is CloseCode.UNAUTHENTICATED


async def test_keys_are_read_again_when_they_are_old() -> None:
    """A key that the platform took back is not trusted for ever."""
    platform = Platform(EC)
    tokens = platform.tokens()
    await role(tokens, token(EC, "ES256", "ec"))
    platform.keys, platform.time = [], 601

    assert await refusal(tokens, token(EC, "ES256", "ec")) is CloseCode.UNAVAILABLE


async def test_invented_names_of_keys_do_not_make_the_server_ask_again_and_again() -> None:
    platform = Platform(EC)
    tokens = platform.tokens()
    for n in range(100):
        platform.time = n / 10
        assert await refusal(tokens, token(NEW, "ES256", f"k{n}")) is CloseCode.UNAUTHENTICATED

    assert platform.asked == 1


async def test_a_platform_that_is_away_is_no_verdict_and_known_keys_stay() -> None:
    platform = Platform(EC)
    platform.away = True
    tokens = platform.tokens()
    text = token(EC, "ES256", "ec")
    assert await refusal(tokens, text) is CloseCode.UNAVAILABLE
    platform.away, platform.time = False, 11
    assert await role(tokens, text) is Role.EDITOR
    platform.away, platform.time = True, 1000

    assert await role(tokens, text) is Role.EDITOR


@pytest.mark.parametrize(
    "other", [{"kty": "new"}, 5, {"kty": "RSA", "n": "x"}, {"kty": "oct", "k": "c2VjcmV0"}, {}]
)
async def test_published_keys_of_other_kinds_are_passed_over(other: object) -> None:
    platform = Platform(EC)
    platform.keys.insert(0, other)

    assert await role(platform.tokens(), token(EC, "ES256", "ec")) is Role.EDITOR


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 9, "ü.ü.ü", "x" * 20_000])
async def test_what_is_no_token_is_refused_after_one_question(text: str) -> None:
    platform = Platform(EC)
    tokens = platform.tokens()

    assert await refusal(tokens, text) is CloseCode.UNAUTHENTICATED
    assert await refusal(tokens, text) is CloseCode.UNAUTHENTICATED
    assert platform.asked == 1


async def test_a_token_for_another_audience_is_refused() -> None:
    tokens = Tokens(PublicKey(pem(EC)), "studyhub")

    assert await role(tokens, token(EC, "ES256", aud=["other", "studyhub"])) is Role.EDITOR
    assert await role(tokens, token(EC, "ES256", aud="studyhub")) is Role.EDITOR
    assert await refusal(tokens, token(EC, "ES256", aud="other")) is CloseCode.UNAUTHENTICATED
    assert await refusal(tokens, token(EC, "ES256")) is CloseCode.UNAUTHENTICATED


async def test_the_door_of_a_platform_takes_what_the_settings_name() -> None:
    door = Door(Settings(auth=AuthMode.JWT, jwt_public_key=pem(EC), jwt_audience="us"), b"own secret" * 4)

    assert door.grant(token(EC, "ES256", aud="us"), "m").role is Role.EDITOR
    with pytest.raises(Rejected):
        door.grant(token(OctKey.import_key(b"own secret" * 4), "HS256", aud="us"), "m")
    with pytest.raises(StartError, match="STUDYHUB_JWT_PUBLIC_KEY"):
        Door(Settings(auth=AuthMode.JWT, jwt_public_key="x"), b"own secret" * 4)


@pytest.mark.parametrize("given", [{}, {"jwt_public_key": "x", "jwt_jwks_url": URL}])
def test_a_platform_signs_in_one_way(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="needs one of"):
        Settings(auth=AuthMode.JWT, **given)  # type: ignore[arg-type]
