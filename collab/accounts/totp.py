"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who lost it."""

import secrets
import unicodedata
from base64 import b32encode

import pyotp

from collab.accounts.access import token_hash

RECOVERY_CODES = 10
"""How many are made at a time."""

_STEP = 30  # seconds
_WINDOW = 1  # steps that a clock may be wrong
_SECRET = 20  # bytes, as RFC 4226 recommends
_CODE = 10  # bytes of a recovery code


def new_secret() -> bytes:
    """A secret to share with an app."""
    return secrets.token_bytes(_SECRET)


def text(secret: bytes) -> str:
    """The secret for people who type it into their app."""
    return _base32(secret)


def uri(secret: bytes, account: str) -> str:
    """What the app reads from a QR code."""
    return pyotp.TOTP(_base32(secret)).provisioning_uri(name=account, issuer_name="StudyHub")


def accepted_step(secret: bytes, code: str, seconds: float) -> int | None:
    """The time step that `code` belongs to, of those around Unix time `seconds`; None for a wrong code.

    Who accepts it keeps the step and refuses it, and those before it, from then on.
    """
    totp, now = pyotp.TOTP(_base32(secret)), int(seconds) // _STEP
    digits = _digits(code)
    matching = [
        step
        for step in range(now - _WINDOW, now + _WINDOW + 1)
        if secrets.compare_digest(totp.generate_otp(step).encode(), digits)
    ]
    return max(matching, default=None)


def new_recovery_codes() -> list[str]:
    """Codes such as `abcd-efgh-ijkl-mnop`, each good once."""
    return [_grouped(_base32(secrets.token_bytes(_CODE)).lower()) for _ in range(RECOVERY_CODES)]


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code, however it was typed."""
    return token_hash("".join(char for char in code.lower() if char.isalnum()))


def _digits(code: str) -> bytes:
    """The code without spaces, in ASCII."""
    return "".join(unicodedata.normalize("NFKC", code).split()).encode("utf-8", "surrogatepass")


def _base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=")


def _grouped(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
