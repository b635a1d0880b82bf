"""Passwords: argon2id (RFC 9106), off the event loop, and as slow without an account as with one."""

import asyncio
import secrets
import string
import unicodedata
from base64 import b64encode
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from collab.errors import CloseCode, Rejected

SHORTEST, LONGEST = 8, 256
"""Characters of a password."""

_AT_ONCE = 2  # hashes: each takes 64 MiB
_TRIMMINGS = string.digits + string.punctuation + string.whitespace  # what people add to a word for safety


class Passwords:
    """Hashes and checks passwords with `hasher`, whose parameters may grow from release to release."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody = _hash_of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """What is stored of a new `password`. Raises Rejected: of a bad length, or too common."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Rejected(
                CloseCode.MALFORMED, f"a password has {SHORTEST} to {LONGEST} characters", "password"
            )
        if is_common(password):
            raise Rejected(
                CloseCode.MALFORMED, "many people have this password: take another", "common_password"
            )
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _plain(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one. Without a stored one it takes the same time to say no."""
        async with self._turn:
            right = await asyncio.to_thread(self._verify, stored or self._nobody, _plain(password[:LONGEST]))
        return right and stored is not None and len(password) <= LONGEST

    def is_old(self, stored: str) -> bool:
        """Whether `stored` was made with other parameters than a new one would be."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def is_common(password: str) -> bool:
    """Whether guessers would try `password` among the first (NIST SP 800-63B, section 3.1.1.2).

    Neither capitals nor digits and signs around a word make it another one.
    """
    plain = unicodedata.normalize("NFKC", password).casefold()
    return not _common().isdisjoint((plain, plain.strip(_TRIMMINGS)))


@cache
def _common() -> frozenset[str]:
    lines = files("collab.accounts").joinpath("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _plain(password: str) -> bytes:
    """One form for all keyboards (NFKC); what has no UTF-8 matches nothing that was ever stored."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """Argon2 text that no password leads to, with the costs of `hasher`."""

    def part(size: int) -> str:
        return b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${part(hasher.salt_len)}${part(hasher.hash_len)}"
