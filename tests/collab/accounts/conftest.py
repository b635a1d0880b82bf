"""Accounts on an SQLite catalogue, with quick hashes, a mailbox instead of a mail server, and a clock."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from collab.accounts import accounts, guests, identities, links, service, sessions, users
from collab.accounts.mail import Mail
from collab.accounts.passwords import Passwords
from collab.accounts.service import AccountService, create_accounts
from collab.accounts.sessions import Device, SignedIn
from collab.auth.tokens import Guests
from collab.settings import Settings
from storage.catalog.catalog import Catalog

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"
EMAIL = "ann@example.org"
DEVICE = Device("Firefox", address="192.0.2.1")


@dataclass
class Mailbox:
    """Keeps what was sent."""

    mails: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def token(self) -> str:
        """That of the link in the newest mail."""
        found = re.search(r"#token=(\S+)", self.mails[-1].text)
        assert found is not None
        return found.group(1)


class Clock:
    """The time of day, which stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_000_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class School:
    """Accounts and what surrounds them."""

    service: AccountService
    catalog: Catalog
    mailbox: Mailbox
    guests: Guests
    ended: list[str]
    """Logins that were signed out, as others are told."""

    async def settle(self) -> None:
        """Wait until all mails have arrived."""
        await self.service.accounts.close()

    async def join(self, email: str = EMAIL, name: str = "Ann", password: str = PASSWORD) -> SignedIn:
        """A new account, the way people make one."""
        await self.service.accounts.register(email, "")
        await self.settle()
        return await self.service.accounts.create(self.mailbox.token(), name, password, DEVICE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (accounts, guests, identities, links, sessions, users):
        monkeypatch.setattr(module, "unix_milliseconds", clock)
    return clock


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    mailbox = Mailbox()
    monkeypatch.setattr(service, "carrier", lambda _: mailbox)
    monkeypatch.setattr(service, "Passwords", lambda: Passwords(QUICK))
    return mailbox


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    await catalog.start()
    yield catalog
    await catalog.close()


@pytest.fixture
async def school(catalog: Catalog, mailbox: Mailbox) -> AsyncIterator[School]:
    guests = Guests(catalog.installation.secret)
    ended: list[str] = []
    made = create_accounts(Settings(), catalog, guests, ended.append)
    school = School(made, catalog, mailbox, guests, ended)
    yield school
    await school.settle()
