"""New users, whichever way they come."""

import secrets

from collab.auth.tokens import clean_name
from collab.errors import CloseCode, Rejected
from storage.catalog.audit import Audit
from storage.catalog.people import People
from storage.catalog.people_values import User
from storage.clock import unix_milliseconds


async def add_user(people: People, audit: Audit, name: str, email: str | None, password: str | None) -> User:
    """Add a user whose address is verified. Raises Rejected where another one has it, or without a name."""
    user = User(
        f"user:{secrets.token_urlsafe(12)}",
        checked_name(name),
        unix_milliseconds(),
        email=email,
        email_verified=email is not None,
        password=password,
    )
    if not await people.add_user(user):
        raise Rejected(CloseCode.REFUSED, "another account has this address", "email_taken")
    await audit.append(user.id, "account.create", "user", user.id)
    return user


def checked_name(name: str) -> str:
    """A name as it is shown. Raises Rejected with MALFORMED for one that shows nothing."""
    cleaned = clean_name(name)
    if not cleaned:
        raise Rejected(CloseCode.MALFORMED, "a name is needed", "name")
    return cleaned
