"""People as the catalogue's callers see them. Pure; no import of the database's packages.

Times are Unix milliseconds. A hash is that of a random token, which the catalogue never sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from storage.catalog.values import storable


class Tier(StrEnum):
    """How much an account may ask for."""

    FREE = "free"
    PREMIUM = "premium"


class Purpose(StrEnum):
    """What a mailed link is for."""

    VERIFY = "verify"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account, or a guest whose work was claimed. Raises ValueError.

    Attributes:
        email: lower-cased, unique among users; None without one.
        password: argon2 text; None for who signs in elsewhere.
        totp_secret: of the second factor, which counts once `totp_confirmed`.
        totp_step: the last time step whose code was accepted; no code counts twice.
        claimed_by: the account that took over the work of this guest.
        erased: when the person was erased; nothing but the id is left then.
    """

    id: str
    name: str
    created: int
    email: str | None = None
    email_verified: bool = False
    password: str | None = field(default=None, repr=False)
    totp_secret: bytes | None = field(default=None, repr=False)
    totp_confirmed: bool = False
    totp_step: int = 0
    tier: str = Tier.FREE
    guest: bool = False
    claimed_by: str | None = None
    disabled: bool = False
    erased: int | None = None

    def __post_init__(self) -> None:
        for name in ("id", "name", "email"):
            _check("a user", name, getattr(self, name) or "")

    @property
    def active(self) -> bool:
        """Whether this person may sign in."""
        return not (self.guest or self.disabled or self.erased)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a user is to an OpenID Connect issuer: `subject` at `issuer`."""

    issuer: str
    subject: str
    user: str
    created: int

    def __post_init__(self) -> None:
        for name in ("issuer", "subject"):
            _check("an identity", name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Login:
    """One signed-in device.

    Attributes:
        seen: when its refresh token was last replaced.
        refresh: hash of its refresh token; `previous` of the one before.
        device: what the browser calls itself.
        shared_computer: whether the browser keeps nothing after sign-out.
    """

    id: str
    user: str
    created: int
    seen: int
    expires: int
    refresh: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)
    device: str = ""
    shared_computer: bool = False
    revoked: int | None = None

    def __post_init__(self) -> None:
        _check("a login", "device", self.device)


@dataclass(frozen=True, slots=True)
class MailToken:
    """What a mailed link proves: that its reader reads mail to `email`.

    Attributes:
        user: whom it is for; "" for an address that has no account yet.
    """

    hash: bytes = field(repr=False)
    user: str
    purpose: str
    email: str
    expires: int
    used: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Somebody did something. Never holds text of documents, tokens or passwords.

    Attributes:
        id: sorts by time among the entries of one millisecond of one process.
        scope, target: the kind of thing that it was done to, and its id.
        details: plain JSON.
    """

    id: str
    time: int
    actor: str
    action: str
    scope: str
    target: str
    details: Mapping[str, object] = field(default_factory=dict)


def _check(what: str, name: str, text: str) -> None:
    if not storable(text):
        raise ValueError(f"{name} of {what}: NUL and lone surrogates cannot be stored")
