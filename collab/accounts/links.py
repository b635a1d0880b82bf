"""Links in mails: each proves once that its reader reads mail to an address."""

import secrets

from collab.accounts.access import token_hash
from collab.accounts.mail import Post, clean_address
from collab.accounts.throttle import Throttle
from collab.auth.rates import network_of
from collab.errors import CloseCode, Rejected
from storage.catalog.people import People
from storage.catalog.people_values import MailToken, Purpose
from storage.clock import unix_milliseconds

_LIFE_MS = {Purpose.VERIFY: 86_400_000, Purpose.RESET: 3_600_000}
_TO_ADDRESS = (3, 3600.0)  # free mails to one address of e-mail, longest wait in seconds
_FROM_NETWORK = (300, 60.0)  # the same for all that are asked for from one address of the network


class MailLinks:
    """Makes and takes the tokens of mailed links."""

    def __init__(self, people: People, post: Post) -> None:
        self._people = people
        self._post = post
        self._to = Throttle(*_TO_ADDRESS)
        self._from = Throttle(*_FROM_NETWORK)

    def check(self, email: str, origin: str) -> str:
        """The address in its one form, if somebody at the address `origin` may have a mail sent there now.

        Raises Rejected, TooOften.
        """
        address = clean_address(email)
        self._post.check()
        self._from.spend(network_of(origin))
        self._to.spend(address)
        return address

    async def make(self, user: str, purpose: Purpose, email: str) -> str:
        """A new token: a day to verify an address, an hour to reset a password."""
        token = secrets.token_urlsafe(32)
        expires = unix_milliseconds() + _LIFE_MS[purpose]
        await self._people.add_mail_token(MailToken(token_hash(token), user, purpose, email, expires))
        return token

    async def read(self, token: str, purpose: Purpose) -> MailToken:
        """What a token proves, which stays good. Raises Rejected with FORBIDDEN."""
        link = await self._people.mail_token(token_hash(token), purpose, unix_milliseconds())
        if link is None:
            raise bad_link()
        return link

    async def use(self, link: MailToken) -> None:
        """Make a link worthless. Raises Rejected with FORBIDDEN where somebody was quicker."""
        if not await self._people.take_mail_token(link.hash, Purpose(link.purpose), unix_milliseconds()):
            raise bad_link()


def bad_link() -> Rejected:
    """The refusal of a link that proves nothing any more."""
    return Rejected(CloseCode.FORBIDDEN, "this link was used or has expired: ask for another", "link")
