"""What people prove who they are with: a password, a code. Who guesses is slowed down."""

import time

from collab.accounts import totp
from collab.accounts.mail import clean_address
from collab.accounts.passwords import Passwords
from collab.accounts.throttle import Throttle
from collab.auth.rates import network_of
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit
from storage.catalog.people import People
from storage.catalog.people_values import User

_PER_ACCOUNT = (5, 300.0)  # free attempts, longest wait in seconds
_PER_ADDRESS = (1000, 60.0)  # a school of 1,000 is often one address


class Factors:
    """Checks passwords and codes of `people`."""

    def __init__(self, people: People, audit: Audit, passwords: Passwords) -> None:
        self._people = people
        self._audit = audit
        self.passwords = passwords
        self._accounts = Throttle(*_PER_ACCOUNT)
        self._addresses = Throttle(*_PER_ADDRESS)

    async def sign_in(self, email: str, password: str, code: str | None, address: str) -> User:
        """The user with this address, password and, where it has one, second factor.

        Wrong address and wrong password look the same and take the same time. Raises Rejected with
        UNAUTHENTICATED (label `credentials`, `code_needed` or `code`) or MALFORMED, TooOften.
        """
        key = clean_address(email)
        network = network_of(address)
        self._addresses.spend(network)
        self._accounts.spend(key)
        user = await self._people.user_by_email(key)
        stored = user.password if user is not None and user.active else None
        if not await self.passwords.matches(stored, password) or user is None:
            raise Rejected(CloseCode.UNAUTHENTICATED, "wrong address or password", "credentials")
        if user.totp_confirmed:
            await self._check_code(user, code)
        self._accounts.forget(key)
        self._addresses.refund(network)
        if user.password is not None and self.passwords.is_old(user.password):
            await self._people.set_password(user.id, await self.passwords.hash(password))
        return user

    async def prove(self, user: User, password: str) -> None:
        """Check the password of somebody who is signed in. Raises Rejected with FORBIDDEN, TooOften."""
        self._accounts.spend(user.id)
        if not await self.passwords.matches(user.password, password):
            raise Rejected(CloseCode.FORBIDDEN, "wrong password", "credentials")
        self._accounts.forget(user.id)

    def forgive(self, email: str) -> None:
        """Forget failed attempts: somebody has proved to read mail to `email`."""
        self._accounts.forget(email)

    async def begin_totp(self, user: User, password: str) -> tuple[str, str]:
        """A new secret for an app: as text, and as the URI of a QR code.

        Raises Rejected: FORBIDDEN for a wrong password, REFUSED without one or where it is on; TooOften.
        """
        if user.password is None:
            raise Rejected(
                CloseCode.REFUSED, "set a password first: the issuer has its own factors", "no_password"
            )
        await self.prove(user, password)
        secret = totp.new_secret()
        if not await self._people.begin_totp(user.id, secret):
            raise Rejected(CloseCode.REFUSED, "the second factor is on already", "totp_on")
        return totp.text(secret), totp.uri(secret, user.email or user.name)

    async def confirm_totp(self, user: User, code: str) -> list[str]:
        """Turn the second factor on with the app's first code; its recovery codes.

        Raises Rejected: FORBIDDEN for a wrong code, REFUSED where nothing was begun; TooOften.
        """
        self._accounts.spend(user.id)
        if user.totp_secret is None or user.totp_confirmed:
            raise Rejected(CloseCode.REFUSED, "no second factor waits for its first code", "totp_not_begun")
        step = totp.accepted_step(user.totp_secret, code, time.time())
        if step is None:
            raise Rejected(CloseCode.FORBIDDEN, "wrong code", "code")
        codes = totp.new_recovery_codes()
        if not await self._people.confirm_totp(user.id, step, [totp.recovery_hash(one) for one in codes]):
            raise Rejected(CloseCode.REFUSED, "the second factor is on already", "totp_on")
        self._accounts.forget(user.id)
        await self._audit.append(user.id, "totp.on", "user", user.id)
        return codes

    async def end_totp(self, user: User, password: str) -> None:
        """Turn the second factor off. Raises Rejected with FORBIDDEN for a wrong password, TooOften."""
        await self.prove(user, password)
        await self._people.end_totp(user.id)
        await self._audit.append(user.id, "totp.off", "user", user.id)

    async def _check_code(self, user: User, code: str | None) -> None:
        """Raises Rejected unless `code` is good, and was not used before."""
        if not code:
            raise Rejected(CloseCode.UNAUTHENTICATED, "a code of your app is needed", "code_needed")
        step = totp.accepted_step(user.totp_secret or b"", code, time.time())
        if step is not None and await self._people.take_totp_step(user.id, step):
            return
        if await self._people.take_recovery_code(user.id, totp.recovery_hash(code)):
            await self._audit.append(user.id, "totp.recovery_code", "user", user.id)
            return
        raise Rejected(CloseCode.UNAUTHENTICATED, "wrong code", "code")
