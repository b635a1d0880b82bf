"""Who the issuers of OpenID Connect vouch for, and which user that is."""

from collections.abc import Mapping

from collab.accounts import letters
from collab.accounts.mail import Post
from collab.accounts.oidc import Answer, Beginning, OidcClient, Subject
from collab.accounts.users import add_user
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit
from storage.catalog.people import People
from storage.catalog.people_values import Identity, User
from storage.clock import unix_milliseconds


class Identities:
    """Signs people in with `clients`, by the issuers' names."""

    def __init__(self, people: People, audit: Audit, post: Post, clients: Mapping[str, OidcClient]) -> None:
        self._people = people
        self._audit = audit
        self._post = post
        self._clients = clients

    @property
    def names(self) -> list[str]:
        """The issuers, in the order of the settings."""
        return list(self._clients)

    async def of(self, user: User) -> list[str]:
        """The addresses of the issuers that `user` signs in with."""
        return sorted({one.issuer for one in await self._people.identities(user.id)})

    async def begin(self, issuer: str) -> Beginning:
        """Begin a sign-in. Raises Rejected."""
        return await self._client(issuer).begin()

    async def finish(self, issuer: str, answer: Answer) -> User:
        """The user whom an issuer vouches for; somebody new gets an account. Raises Rejected.

        An account with the same verified address is the same person, unless it has a second factor: that one
        has to sign in and link the issuer itself.
        """
        subject = await self._client(issuer).finish(answer)
        identity = await self._people.identity(subject.issuer, subject.subject)
        known = await self._people.user(identity.user) if identity else None
        user = known or await self._meet(subject)
        if not user.active:
            raise Rejected(CloseCode.UNAUTHENTICATED, "this account cannot sign in", "disabled")
        return user

    async def link(self, user: User, issuer: str, answer: Answer) -> None:
        """Let `user`, who is signed in, sign in with an issuer from now on. Raises Rejected."""
        await self._add(user, await self._client(issuer).finish(answer))

    async def unlink(self, user: User, issuer: str) -> None:
        """No longer let `user` sign in with an issuer. Raises Rejected where no other way is left."""
        address = self._client(issuer).issuer
        if user.password is None and await self.of(user) == [address]:
            raise Rejected(
                CloseCode.REFUSED, "set a password first: no other way in is left", "last_identity"
            )
        if await self._people.remove_identity(user.id, address):
            await self._audit.append(user.id, "identity.remove", "user", user.id, {"issuer": address})

    async def _meet(self, subject: Subject) -> User:
        """The user of a subject that comes for the first time."""
        user = await self._people.user_by_email(subject.email) if subject.email else None
        if user is None:
            name = subject.name or "Student"
            user = await add_user(self._people, self._audit, name, subject.email, None)
        elif user.totp_confirmed:
            raise Rejected(
                CloseCode.FORBIDDEN, "sign in with your password and link this issuer there", "link_first"
            )
        await self._add(user, subject)
        return user

    async def _add(self, user: User, subject: Subject) -> None:
        identity = Identity(subject.issuer, subject.subject, user.id, unix_milliseconds())
        if not await self._people.add_identity(identity):
            known = await self._people.identity(subject.issuer, subject.subject)
            if known is None or known.user != user.id:
                raise Rejected(CloseCode.REFUSED, "another account signs in with this", "identity_taken")
            return
        await self._audit.append(user.id, "identity.add", "user", user.id, {"issuer": subject.issuer})
        if user.email:
            self._post.send(letters.notice(user.email, f"You can sign in with {subject.issuer} now."))

    def _client(self, issuer: str) -> OidcClient:
        client = self._clients.get(issuer)
        if client is None:
            raise Rejected(CloseCode.FORBIDDEN, "people cannot sign in with this issuer here", "issuer")
        return client
