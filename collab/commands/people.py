"""What an operator sees and changes of an account."""

from dataclasses import replace

import typer

from collab.commands.places import opened, run
from collab.errors import StartError
from collab.settings import Settings
from collab.sharing.notices import Change, Notices
from storage.catalog.people_values import Tier, User
from storage.clock import unix_milliseconds


def account_command(settings: Settings, email: str, tier: Tier | None, disabled: bool | None) -> None:
    """Change what is not None of the account with this address, and print what it is now."""
    typer.echo(_line(run("change the account", _change(settings, email.lower(), tier, disabled))))


async def _change(settings: Settings, email: str, tier: Tier | None, disabled: bool | None) -> User:
    async with opened(settings, alone=False) as backends:
        assert backends.catalog is not None
        people = backends.catalog.people
        user = await people.user_by_email(email)
        if user is None:
            raise StartError("no account has this address")
        if tier is not None:
            await people.set_tier(user.id, tier)
            user = replace(user, tier=tier)
        if disabled is not None:
            await people.set_disabled(user.id, disabled)
            user = replace(user, disabled=disabled)
        if disabled:
            await people.revoke_logins(user.id, unix_milliseconds())
        Notices(backends.bus).tell(Change.SUBJECT, user.id)
        return user


def _line(user: User) -> str:
    state = "disabled" if user.disabled else "enabled"
    factor = "with" if user.totp_confirmed else "without"
    return f"{user.email}  {user.id}  {user.name}  {user.tier}, {state}, {factor} a second factor"
