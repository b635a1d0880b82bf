"""A guest becomes somebody with an account, and its work with it."""

from collab.auth.tokens import Guests
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit
from storage.catalog.people import People
from storage.catalog.people_values import User
from storage.clock import unix_milliseconds


class Claims:
    """Takes over the work of guests whose tokens `guests` signed."""

    def __init__(self, people: People, audit: Audit, guests: Guests) -> None:
        self._people = people
        self._audit = audit
        self._guests = guests

    async def claim(self, account: User, token: str) -> User:
        """Make `account` the author of what the guest of `token` did; the guest. Idempotent.

        Raises Rejected: UNAUTHENTICATED for a token that is not valid, REFUSED where another account has
        claimed this guest.
        """
        known = self._guests.read(token)
        if known is None:
            raise Rejected(CloseCode.UNAUTHENTICATED, "this is no guest's token", "guest_token")
        guest = User(known.id, known.name, unix_milliseconds(), guest=True)
        if not await self._people.claim(guest, account.id):
            raise Rejected(CloseCode.REFUSED, "this guest belongs to another account", "guest_claimed")
        await self._audit.append(account.id, "guest.claim", "user", guest.id)
        return guest
