"""What the stories about people with accounts begin with."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from playwright.async_api import Dialog, Locator, expect

from benchmarks.server import ServerProcess
from collab.accounts.passwords import Passwords
from collab.accounts.users import add_user
from storage.catalog.catalog import Catalog
from tests.web.visitor import Visitor

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Account:
    """Somebody whose password is PASSWORD."""

    id: str
    name: str
    email: str


async def make_account(server: ServerProcess, name: str = "Ada") -> Account:
    """As if a mailed link had been opened; the address is nobody else's."""
    email = f"{name.lower()}.{secrets.token_hex(4)}@example.org"
    catalog = Catalog(server.data / "catalog.db")
    await catalog.start()
    user = await add_user(catalog.people, catalog.audit, name, email, await Passwords().hash(PASSWORD))
    await catalog.close()
    return Account(user.id, name, email)


async def sign_in(
    visitor: Visitor, server: ServerProcess, account: Account, *, shared_computer: bool = False
) -> None:
    """By keyboard alone."""
    await visitor.page.goto(f"{server.http}/account")
    await type_password(visitor, account, shared_computer=shared_computer)
    await expect(visitor.page.get_by_role("heading", name=account.name)).to_be_visible()


async def type_password(
    visitor: Visitor, account: Account, password: str = PASSWORD, *, shared_computer: bool = False
) -> None:
    """Into the form that is shown."""
    page = visitor.page
    await page.get_by_label("E-mail", exact=True).fill(account.email)
    if shared_computer:
        await page.get_by_label("Others use this computer, too").press("Space")
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def add_tab(visitor: Visitor, title: str) -> Locator:
    """A tab; what the page shows of it."""
    await visitor.page.get_by_label("Name of a new tab").fill(title)
    await visitor.page.keyboard.press("Enter")
    tab = visitor.page.get_by_role("region", name=title)
    await expect(tab).to_be_visible()
    return tab


async def add_guide(visitor: Visitor) -> None:
    """A tab with one guide, which is opened."""
    tab = await add_tab(visitor, "Biology")
    await tab.get_by_role("button", name="New guide").click()
    await tab.get_by_role("link").click()
    await expect(visitor.editor).to_be_visible()


async def mailed(server: ServerProcess) -> str:
    """The link in the mail that a server without SMTP prints."""
    while True:
        for line in server.log:
            if found := re.search(r"http\S+/account/\w+#token=\S+", line):
                return found.group()
        await asyncio.sleep(0.05)


def forgive(visitor: Visitor, status: int) -> None:
    """The browser itself writes refusals to the console; these were to come."""
    visitor.errors[:] = [error for error in visitor.errors if f"status of {status}" not in error]


def agree(visitor: Visitor) -> None:
    """Say yes to whatever the page asks."""
    accept: Callable[[Dialog], object] = lambda dialog: asyncio.ensure_future(dialog.accept())  # noqa: E731
    visitor.page.on("dialog", accept)
