"""Accounts: made, changed, exported and erased."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from collab.accounts import letters
from collab.accounts.factors import Factors
from collab.accounts.links import MailLinks, bad_link
from collab.accounts.mail import Mail, Post
from collab.accounts.sessions import Device, Person, Sessions, SignedIn
from collab.accounts.throttle import Throttle
from collab.accounts.users import add_user, checked_name
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit, Position
from storage.catalog.people import People
from storage.catalog.people_values import AuditEntry, Purpose, User
from storage.clock import unix_milliseconds

_FRESH_MS = 600_000  # after a sign-in, for who has no password to prove who they are
_PAGE = 500  # audit entries
_ARCHIVES = (3, 3600.0)  # free ones, longest wait in seconds: each reads all that an account owns


@dataclass(frozen=True, slots=True)
class Parts:
    """What accounts are made of; `url` is where people reach the server, without a slash at its end."""

    people: People
    audit: Audit
    sessions: Sessions
    factors: Factors
    links: MailLinks
    post: Post
    url: str


class Accounts:
    """The accounts of the catalogue.

    Errors are Rejected: UNAUTHENTICATED or FORBIDDEN where somebody is not who they say, REFUSED where the
    state of the account forbids it, MALFORMED, UNAVAILABLE, TooOften. Every coroutine raises storage's
    Unavailable.
    """

    def __init__(self, parts: Parts) -> None:
        self._people = parts.people
        self._audit = parts.audit
        self._sessions = parts.sessions
        self._factors = parts.factors
        self._links = parts.links
        self._post = parts.post
        self._url = parts.url
        self._archives = Throttle(*_ARCHIVES)

    async def register(self, email: str, origin: str) -> None:
        """Mail a link with which the reader makes an account; who has one is told so, by mail alone."""
        self._post.compose(self._invitation(self._links.check(email, origin)))

    async def create(self, token: str, name: str, password: str, device: Device) -> SignedIn:
        """Make the account that a mailed link is for, and sign it in."""
        link = await self._links.read(token, Purpose.VERIFY)
        if link.user:
            raise bad_link()
        checked_name(name)
        hashed = await self._factors.passwords.hash(password)  # refuses a bad one while the link is good
        await self._links.use(link)
        user = await add_user(self._people, self._audit, name, link.email, hashed)
        return await self._sessions.open(user, device)

    async def sign_in(self, email: str, password: str, code: str | None, device: Device) -> SignedIn:
        """Sign in with a password and, where the account has one, a second factor. See Factors.sign_in."""
        user = await self._factors.sign_in(email, password, code, device.address)
        return await self._sessions.open(user, device)

    async def rename(self, user: User, name: str) -> None:
        """Set the name that others see."""
        await self._people.rename(user.id, checked_name(name))

    async def change_password(self, person: Person, old: str, new: str) -> None:
        """Set another password, which signs all other devices out."""
        await self._factors.prove(person.user, old)
        await self._store_password(person.user, await self._factors.passwords.hash(new), but=person.login.id)

    async def forgot_password(self, email: str, origin: str) -> None:
        """Mail a link to choose a new password. It looks the same where there is no account."""
        self._post.compose(self._reminder(self._links.check(email, origin)))

    async def reset_password(self, token: str, new: str) -> None:
        """Set the password of who reads its mail, which signs all devices out. A second factor stays."""
        link = await self._links.read(token, Purpose.RESET)
        user = await self._people.user(link.user)
        if user is None or not user.active or user.email != link.email:
            raise bad_link()
        hashed = await self._factors.passwords.hash(new)
        await self._links.use(link)
        await self._store_password(user, hashed)
        self._factors.forgive(link.email)

    async def change_email(self, person: Person, email: str, password: str | None, origin: str) -> None:
        """Mail a link to a new address, which becomes the account's when it is opened."""
        await self.prove(person, password)
        self._post.compose(self._relocation(person.user, self._links.check(email, origin)))

    async def confirm_email(self, token: str) -> None:
        """Take over the address that a mailed link went to."""
        link = await self._links.read(token, Purpose.VERIFY)
        user = await self._people.user(link.user) if link.user else None
        if user is None or not user.active:
            raise bad_link()
        await self._links.use(link)
        if not await self._people.set_email(user.id, link.email):
            raise Rejected(CloseCode.REFUSED, "another account has this address", "email_taken")
        await self._people.forget_mail_tokens(user.id, Purpose.RESET)
        await self._audit.append(user.id, "account.email", "user", user.id)
        self._tell(user, "Your account has another address now.")

    async def export(self, user: User) -> dict[str, object]:
        """Everything that is kept about an account itself, as plain JSON without any secret."""
        identities = await self._people.identities(user.id)
        devices = await self._sessions.devices(user.id)
        guests = await self._people.guests_of(user.id)
        return {
            "account": _plain(user, but=("password", "totp_secret", "totp_step")),
            "identities": [_plain(one) for one in identities],
            "devices": [_plain(one, but=("refresh", "previous")) for one in devices],
            "guests": [{"id": one.id, "name": one.name, "created": one.created} for one in guests],
            "actions": [_plain(one) for one in await self._actions(user.id)],
        }

    def allow_archive(self, user: User) -> None:
        """Count an archive of all that `user` has. Raises TooOften."""
        self._archives.spend(user.id)

    async def prove(self, person: Person, password: str | None) -> None:
        """Make sure that it is the owner who sits at the device, for what cannot be undone.

        The password has to be given; where there is none, the device must have signed in within ten minutes.
        """
        if person.user.password is not None:
            await self._factors.prove(person.user, password or "")
        elif unix_milliseconds() - person.login.created > _FRESH_MS:
            raise Rejected(CloseCode.FORBIDDEN, "sign in anew to do this", "sign_in_anew")

    async def erase(self, person: Person) -> None:
        """Forget the account, its guests and its devices; their ids stay, without a name.

        What it owns is its caller's to give up before; `prove` comes first of all.
        """
        await self._sessions.end_all(person.id)
        await self._people.erase(person.id, unix_milliseconds())
        await self._audit.append(person.id, "account.erase", "user", person.id)

    async def close(self) -> None:
        """Wait for the mails that are on their way."""
        await self._post.close()

    async def _invitation(self, to: str) -> Mail:
        if await self._people.user_by_email(to) is not None:
            return letters.known(to, self._url)
        return letters.verify(to, self._url, await self._links.make("", Purpose.VERIFY, to))

    async def _reminder(self, to: str) -> Mail | None:
        user = await self._people.user_by_email(to)
        if user is None or not user.active:
            return None
        return letters.reset(to, self._url, await self._links.make(user.id, Purpose.RESET, to))

    async def _relocation(self, user: User, to: str) -> Mail:
        if await self._people.user_by_email(to) is not None:
            return letters.known(to, self._url)
        return letters.move(to, self._url, await self._links.make(user.id, Purpose.VERIFY, to))

    async def _store_password(self, user: User, hashed: str, *, but: str = "") -> None:
        await self._people.set_password(user.id, hashed)
        await self._people.forget_mail_tokens(user.id, Purpose.RESET)
        await self._sessions.end_all(user.id, but=but)
        await self._audit.append(user.id, "account.password", "user", user.id)
        self._tell(user, "Your password was changed, and all other devices were signed out.")

    async def _actions(self, user: str) -> list[AuditEntry]:
        entries: list[AuditEntry] = []
        before: Position | None = None
        while page := await self._audit.of_actor(user, limit=_PAGE, before=before):
            entries += page
            before = (page[-1].time, page[-1].id)
        return entries

    def _tell(self, user: User, what: str) -> None:
        """A mail to the address that the account had when the change began."""
        if user.email:
            self._post.send(letters.notice(user.email, what))


def _plain(value: object, but: Iterable[str] = ()) -> dict[str, object]:
    return {name: one for name, one in asdict(value).items() if name not in but}  # type: ignore[call-overload]
