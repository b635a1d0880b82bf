"""Signing in, my tabs, and sharing what one owns, on the page."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from collab.accounts.passwords import Passwords
from collab.accounts.users import add_user
from storage.catalog.catalog import Catalog
from tests.web.conftest import Visit
from tests.web.visitor import Visitor

pytestmark = pytest.mark.anyio

EMAIL, PASSWORD = "ada@example.org", "correct horse battery staple"


async def make_account(data: Path) -> None:
    """As if a mailed link had been opened."""
    catalog = Catalog(data / "catalog.db")
    await catalog.start()
    hashed = await Passwords().hash(PASSWORD)
    await add_user(catalog.people, catalog.audit, "Ada", EMAIL, hashed)
    await catalog.close()


def forgive(visitor: Visitor, status: int) -> None:
    """The browser itself writes refusals to the console; these were to come."""
    visitor.errors[:] = [error for error in visitor.errors if f"status of {status}" not in error]


async def sign_in(visitor: Visitor, url: str, *, shared_computer: bool = False) -> None:
    """By keyboard alone."""
    page = visitor.page
    await page.goto(f"{url}/account")
    await page.get_by_label("E-mail", exact=True).fill(EMAIL)
    if shared_computer:
        await page.get_by_label("Others use this computer, too").press("Space")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ada")).to_be_visible()


async def add_guide(visitor: Visitor) -> None:
    """A tab with one guide, which is opened."""
    page = visitor.page
    await page.get_by_label("Name of a new tab").fill("Biology")
    await page.keyboard.press("Enter")
    tab = page.get_by_role("region", name="Biology")
    await tab.get_by_role("button", name="New guide").click()
    await tab.get_by_role("link").click()
    await expect(visitor.editor).to_be_visible()


async def test_an_owner_shares_by_a_link_and_ends_it(
    own_server: ServerProcess, tmp_path: Path, visit: Visit
) -> None:
    await make_account(tmp_path)
    ada, ben = await visit(), await visit()
    await sign_in(ada, own_server.http)
    await add_guide(ada)
    await ada.write("Cells divide")
    await ada.saved()

    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Add a link").click()
    link = dialog.get_by_label(re.compile("^Can read"))
    address = await link.input_value()
    assert await ada.check_accessibility() == []

    await ben.page.goto(address)
    await ben.sees("Cells divide")
    await expect(ben.pill).to_have_text("Read-only")
    await dialog.get_by_role("button", name="End", exact=True).click()
    await expect(ben.page.get_by_role("heading", name=re.compile("does not open"))).to_be_visible()


async def mailed(server: ServerProcess) -> str:
    """The path of the link in the mail that a server without SMTP prints."""
    while True:
        for line in server.log:
            if found := re.search(r"/account/\w+#token=\S+", line):
                return found.group()
        await asyncio.sleep(0.05)


async def test_an_account_is_made_with_a_mailed_link_and_takes_over_the_guests_work(
    own_server: ServerProcess, visit: Visit
) -> None:
    ada = await visit()
    await ada.start_guide(own_server.http)
    page = ada.page
    await page.goto(f"{own_server.http}/account")
    await page.get_by_label("E-mail for the link").fill(EMAIL)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("We have written to")).to_be_visible()
    await page.goto(own_server.http + await mailed(own_server))
    await page.get_by_label("Name that others see").fill("Ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ada")).to_be_visible()

    claim = page.get_by_role("button", name="Take over what I did here as a guest")
    await claim.click()
    await expect(claim).to_be_hidden()
    assert await page.evaluate("localStorage.getItem('studyhub:guest')") is None
    assert await page.evaluate("location.hash") == ""


async def test_a_link_to_a_tab_opens_the_guides_in_it(
    own_server: ServerProcess, tmp_path: Path, visit: Visit
) -> None:
    await make_account(tmp_path)
    ada, ben = await visit(), await visit()
    await sign_in(ada, own_server.http)
    await add_guide(ada)
    await ada.write("Cells divide")
    await ada.saved()
    await ada.page.goto(f"{own_server.http}/account")
    tab = ada.page.get_by_role("region", name="Biology")
    await tab.get_by_role("button", name="Share").click()
    await tab.get_by_label("Whoever has it").select_option("editor")
    await tab.get_by_role("button", name="Add a link").click()
    address = await tab.get_by_label(re.compile("^Can edit")).first.input_value()

    await ben.page.goto(address)
    await expect(ben.page.get_by_role("heading", name="Biology")).to_be_visible()
    assert await ben.check_accessibility() == []
    await ben.page.get_by_role("link", name="Untitled study guide").click()
    await ben.sees("Cells divide")
    await ben.saved()


async def test_signing_out_takes_the_guides_from_the_browser(
    own_server: ServerProcess, tmp_path: Path, visit: Visit
) -> None:
    await make_account(tmp_path)
    ada = await visit()
    await sign_in(ada, own_server.http)
    assert await ada.check_accessibility() == []
    await add_guide(ada)
    await ada.saved()
    address = ada.page.url
    await ada.page.goto(f"{own_server.http}/account")
    ada.page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await ada.page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()

    kept = await ada.page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))")
    databases = await ada.page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))")
    assert (kept, databases) == ([], [])
    await ada.page.goto(address)
    await expect(ada.page.get_by_role("heading", name=re.compile("does not open"))).to_be_visible()
    forgive(ada, 403)


async def test_a_shared_computer_keeps_nothing_when_the_tab_is_closed(
    own_server: ServerProcess, tmp_path: Path, visit: Visit
) -> None:
    await make_account(tmp_path)
    ada = await visit()
    await sign_in(ada, own_server.http, shared_computer=True)
    await add_guide(ada)
    await ada.write("Secret")
    await ada.saved()

    await ada.page.close()
    ada.page = await ada.context.new_page()
    await ada.page.goto(f"{own_server.http}/account")
    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await ada.page.evaluate("Object.keys(localStorage)") == []
    assert await ada.page.evaluate("indexedDB.databases()") == []


async def test_a_wrong_password_is_said_and_nobody_is_signed_in(
    own_server: ServerProcess, tmp_path: Path, visit: Visit
) -> None:
    await make_account(tmp_path)
    ada = await visit()
    await ada.page.goto(f"{own_server.http}/account")
    await ada.page.get_by_label("E-mail", exact=True).fill(EMAIL)
    await ada.page.get_by_label("Password").fill("wrong")
    await ada.page.keyboard.press("Enter")

    await expect(ada.page.get_by_text("wrong address or password")).to_be_visible()
    assert await ada.page.evaluate("localStorage.getItem('studyhub:session')") is None
    forgive(ada, 401)
