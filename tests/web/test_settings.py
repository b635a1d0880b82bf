"""What people do with their account on the page: name, password, second factor, devices, export, end."""

import json
from zipfile import ZipFile

import pyotp
import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.accounts import PASSWORD, agree, forgive, make_account, sign_in, type_password
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio

NEW = "another long sentence"


async def test_name_and_password_are_changed(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, other = await visit(), await visit()
    page = ada.page
    await sign_in(ada, server, account)
    await sign_in(other, server, account)
    await page.goto(f"{server.http}/account/settings")
    await expect(page.get_by_role("button", name="Sign out there")).to_have_count(1)
    await page.get_by_label("Name that others see").fill("Ada Lovelace")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    await page.get_by_label("Password as it is").fill(PASSWORD)
    await page.get_by_label("New password").fill("password1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("many people have this password")).to_be_visible()
    forgive(ada, 400)
    await page.get_by_label("New password").fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your password was changed")).to_be_visible()
    assert await ada.check_accessibility() == []

    await other.page.reload()
    await expect(other.page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    forgive(other, 401)


async def test_a_second_factor_is_turned_on_asked_for_and_turned_off(
    server: ServerProcess, visit: Visit
) -> None:
    account = await make_account(server)
    ada, later = await visit(), await visit()
    page = ada.page
    await sign_in(ada, server, account)
    await page.goto(f"{server.http}/account/settings")
    await page.get_by_label("Password, to turn it on").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    assert await ada.check_accessibility() == []
    address = await page.get_by_role("link", name="open your app").get_attribute("href")
    app = pyotp.parse_uri(address or "")
    assert isinstance(app, pyotp.TOTP)
    await page.get_by_label("Code of your app").fill(app.now())
    await page.keyboard.press("Enter")
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    await expect(codes).to_have_count(10)
    recovery = await codes.first.inner_text()
    await page.get_by_role("button", name="I have kept them").click()
    await expect(codes).to_have_count(0)

    await later.page.goto(f"{server.http}/account")
    await type_password(later, account)
    await later.page.get_by_label("Code of your app").fill(recovery)
    await later.page.keyboard.press("Enter")
    await expect(later.page.get_by_role("heading", name="Ada")).to_be_visible()
    forgive(later, 401)
    await page.get_by_label("Password, to turn it off").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Password, to turn it on")).to_be_visible()


async def test_an_account_is_taken_along_and_erased(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada = await visit()
    page = ada.page
    agree(ada)
    await sign_in(ada, server, account)
    await page.goto(f"{server.http}/account/settings")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download my data").click()
    with ZipFile(await (await download.value).path()) as archive:
        assert json.loads(archive.read("account.json"))["account"]["email"] == account.email

    await page.get_by_role("button", name="Erase my account…").click()
    await expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    assert await ada.check_accessibility() == []
    await page.get_by_label("Password, to erase everything").fill("wrong")
    await page.get_by_role("button", name="Erase my account", exact=True).click()
    await expect(page.get_by_text("wrong password")).to_be_visible()
    forgive(ada, 403)
    await page.get_by_label("Password, to erase everything").fill(PASSWORD)
    await page.get_by_role("button", name="Erase my account", exact=True).click()
    await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert await page.evaluate("Object.keys(localStorage)") == []
    await type_password(ada, account)
    await expect(page.get_by_text("wrong address or password")).to_be_visible()
    forgive(ada, 401)
