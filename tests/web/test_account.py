"""Signing in and out on the page."""

import re

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.accounts import (
    PASSWORD,
    add_guide,
    agree,
    forgive,
    mailed,
    make_account,
    sign_in,
    type_password,
)
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_an_account_is_made_with_a_mailed_link_and_takes_over_the_guests_work(
    own_server: ServerProcess, visit: Visit
) -> None:
    ada = await visit()
    await ada.start_guide(own_server.http)
    page = ada.page
    await page.goto(f"{own_server.http}/account")
    await page.get_by_label("E-mail for the link").fill("ada@example.org")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("We have written to")).to_be_visible()
    await page.goto(await mailed(own_server))
    await page.get_by_label("Name that others see").fill("Ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ada")).to_be_visible()

    claim = page.get_by_role("button", name="Take over what I did here as a guest")
    await claim.click()
    await expect(claim).to_be_hidden()
    assert await page.evaluate("localStorage.getItem('studyhub:guest')") is None
    assert await page.evaluate("location.hash") == ""


async def test_signing_out_takes_the_guides_from_the_browser(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada = await visit()
    await sign_in(ada, server, account)
    assert await ada.check_accessibility() == []
    await add_guide(ada)
    await ada.saved()
    address = ada.page.url
    await ada.page.goto(f"{server.http}/account")
    agree(ada)
    await ada.page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()

    kept = await ada.page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))")
    databases = await ada.page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))")
    assert (kept, databases) == ([], [])
    await ada.page.goto(address)
    await expect(ada.page.get_by_role("heading", name=re.compile("does not open"))).to_be_visible()
    forgive(ada, 403)


async def test_a_shared_computer_keeps_nothing_when_the_tab_is_closed(
    server: ServerProcess, visit: Visit
) -> None:
    account = await make_account(server)
    ada = await visit()
    await sign_in(ada, server, account, shared_computer=True)
    await add_guide(ada)
    await ada.write("Secret")
    await ada.saved()

    await ada.page.close()
    ada.page = await ada.context.new_page()
    await ada.page.goto(f"{server.http}/account")
    await expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await ada.page.evaluate("Object.keys(localStorage)") == []
    assert await ada.page.evaluate("indexedDB.databases()") == []


async def test_a_wrong_password_is_said_and_nobody_is_signed_in(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada = await visit()
    await ada.page.goto(f"{server.http}/account")
    await type_password(ada, account, "wrong")

    await expect(ada.page.get_by_text("wrong address or password")).to_be_visible()
    assert await ada.page.evaluate("localStorage.getItem('studyhub:session')") is None
    forgive(ada, 401)


async def test_who_was_signed_out_elsewhere_signs_in_again_and_goes_on(
    server: ServerProcess, visit: Visit
) -> None:
    account = await make_account(server)
    here, there = await visit(), await visit()
    await sign_in(here, server, account)
    await add_guide(here)
    await here.write("Cells divide")
    await here.saved()
    await sign_in(there, server, account)
    await there.page.get_by_role("link", name="Settings").click()
    await there.page.get_by_role("button", name="Sign out everywhere else").click()

    notice = here.page.get_by_role("alert")
    await expect(notice).to_contain_text("You are signed out")
    await expect(notice.get_by_label("Your text")).to_have_value("Cells divide")
    await here.page.get_by_role("link", name="Sign in").click()
    await expect(here.page.get_by_text("You were signed out on this device")).to_be_visible()
    assert await here.check_accessibility() == []
    await type_password(here, account)
    await here.sees("Cells divide")
    await here.saved()
    forgive(here, 401)
