"""What an operator does to an account."""

import asyncio
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from collab.cli import app
from collab.errors import StartError
from collab.settings import Settings, read_settings
from storage.catalog.catalog import Catalog
from storage.catalog.people_values import Login, User
from storage.clock import unix_milliseconds


async def prepare(data: Path) -> None:
    """A data folder with one account that is signed in."""
    from collab.backends import open_backends

    async with open_backends(Settings(data=data)) as backends:
        assert backends.catalog is not None
        await backends.log.state("")
        await backends.catalog.people.add_user(User("user:1", "Ann", 1, email="ann@example.org"))
        await backends.catalog.people.add_login(Login("l", "user:1", 1, 1, 2**62, b"hash"))


def account(data: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["account", *arguments, "--data", str(data)])
    return result.exit_code, result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asyncio.run(prepare(tmp_path))
    return tmp_path


async def logins(data: Path) -> int:
    catalog = Catalog(data / "catalog.db")
    await catalog.start()
    found = await catalog.people.logins("user:1", unix_milliseconds())
    await catalog.close()
    return len(found)


def test_an_account_is_shown_and_changed(data: Path) -> None:
    assert account(data, "Ann@example.org")[1].endswith("free, enabled, without a second factor\n")
    assert "premium, enabled" in account(data, "ann@example.org", "--tier", "premium")[1]
    assert asyncio.run(logins(data)) == 1
    assert "premium, disabled" in account(data, "ann@example.org", "--disable")[1]
    assert asyncio.run(logins(data)) == 0
    assert "premium, enabled" in account(data, "ann@example.org", "--enable")[1]


def test_an_address_without_account_is_an_error(data: Path) -> None:
    status, output = account(data, "ben@example.org")

    assert status == 1
    assert "no account has this address" in output


def test_a_bad_list_of_issuers_is_one_line_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ('[{"client_secret": "geheim"', '[{"client_secret": "geheim"}]', "geheim", "5"):
        monkeypatch.setitem(os.environ, "STUDYHUB_OIDC", given)
        with pytest.raises(StartError, match="STUDYHUB_OIDC") as caught:
            read_settings()
        assert "geheim" not in str(caught.value)


def test_issuers_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHUB_OIDC", '[{"name": "a", "issuer": "https://b", "client_id": "c"}]')

    assert read_settings().oidc[0].issuer == "https://b"
