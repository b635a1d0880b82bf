"""Bodies and answers about accounts and their devices. Times are Unix milliseconds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from collab.api.dependencies import Storable

Email = Annotated[Storable, StringConstraints(min_length=3, max_length=254)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Name = Annotated[Storable, StringConstraints(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _SignIn(_Body):
    shared_computer: bool = False
    """Others use this computer, too: nothing is kept after sign-out, which comes after 12 hours."""


class Registration(_Body):
    """Somebody who wants an account."""

    email: Email


class NewAccount(_SignIn):
    """What completes a registration; `token` is that of the mailed link."""

    token: Secret
    name: Name
    password: Password


class Credentials(_SignIn):
    """What people sign in with; `code` is of the second factor, or a recovery code."""

    email: Email
    password: Password
    code: Annotated[str, StringConstraints(max_length=40)] | None = None


class Refresh(_Body):
    """The refresh token, good for one use."""

    refresh: Secret


class Session(BaseModel):
    """A signed-in device and its tokens. `access` is valid for `seconds`, `refresh` for one use."""

    id: str
    user: str
    name: str
    access: str
    refresh: str
    seconds: int


class Device(BaseModel):
    """A signed-in device."""

    id: str
    device: str
    """What its browser calls itself."""
    created: int
    seen: int
    expires: int
    shared_computer: bool
    current: bool
    """Whether it is the one that asks."""


class Ended(BaseModel):
    """How many devices were signed out."""

    ended: int


class Account(BaseModel):
    """The caller's own account."""

    id: str
    name: str
    email: str | None
    tier: str
    created: int
    has_password: bool
    second_factor: bool
    issuers: list[str]
    """Issuers of OpenID Connect that it signs in with."""


class AccountChange(_Body):
    """What may be changed without more ado."""

    name: Name


class PasswordChange(_Body):
    """The password as it is, and as it shall be."""

    old: Password
    new: Password


class PasswordReset(_Body):
    """A new password for who reads its mail; `token` is that of the mailed link."""

    token: Secret
    password: Password


class EmailChange(_Body):
    """Another address; the password is needed where the account has one."""

    email: Email
    password: Password | None = None


class MailedToken(_Body):
    """The token of a mailed link."""

    token: Secret


class Proof(_Body):
    """The password; an account without one needs a sign-in of the last ten minutes instead."""

    password: Password | None = None


class PasswordProof(_Body):
    """The password."""

    password: Password


class AppSecret(BaseModel):
    """What an authenticator app needs: as text to type, and as the URI of a QR code."""

    secret: str
    uri: str


class Code(_Body):
    """A code of the authenticator app."""

    code: Annotated[str, StringConstraints(min_length=6, max_length=20)]


class RecoveryCodes(BaseModel):
    """Shown once; each stands in for the app once."""

    codes: list[str]


class GuestToken(_Body):
    """The identity that a browser kept as a guest."""

    guest: Secret


class ClaimedGuest(BaseModel):
    """A guest whose work is the account's now."""

    id: str
    name: str


class Issuers(BaseModel):
    """The issuers of OpenID Connect that people may sign in with."""

    issuers: list[str]


class Beginning(BaseModel):
    """Where to send the browser, and what the page keeps until it comes back."""

    url: str
    flow: str


class Finish(_Body):
    """What the browser came back with, and the flow that the page kept."""

    flow: Secret
    code: Secret
    state: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    iss: Annotated[str, StringConstraints(max_length=500)] | None = None


class FinishSignIn(Finish, _SignIn):
    """The end of a sign-in at an issuer."""
