"""Sharing what one owns, and taking it back, on the page."""

import re

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.accounts import add_guide, forgive, make_account, sign_in
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_an_owner_shares_by_a_link_and_ends_it(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
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


async def test_a_link_to_a_tab_opens_the_guides_in_it(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
    await add_guide(ada)
    await ada.write("Cells divide")
    await ada.saved()
    await ada.page.goto(f"{server.http}/account")
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


async def test_who_is_blocked_keeps_the_text_and_may_copy_it(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
    await add_guide(ada)
    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Whoever has it").select_option("editor")
    await dialog.get_by_role("button", name="Add a link").click()
    await ben.open(await dialog.get_by_label(re.compile("^Can edit")).first.input_value())
    await ben.write("Mine")
    await ben.saved()

    block = dialog.get_by_role("button", name=re.compile("^Block "))
    name = (await block.get_attribute("aria-label") or "").removeprefix("Block ")
    await block.click()
    notice = ben.page.get_by_role("alert")
    await expect(notice).to_contain_text("does not open the guide any more")
    await expect(notice.get_by_label("Your text")).to_have_value("Mine")
    assert await ben.check_accessibility() == []
    await ben.page.reload()
    await expect(notice.get_by_label("Your text")).to_have_value("Mine")
    forgive(ben, 403)

    await dialog.get_by_role("button", name=f"Let {name} in again").click()
    await expect(dialog.get_by_text("may come again")).to_be_visible()
    await ben.page.reload()
    await ben.sees("Mine")
    await ben.saved()


async def test_a_frozen_guide_says_why_and_thaws_for_everybody(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
    await add_guide(ada)
    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Whoever has it").select_option("editor")
    await dialog.get_by_role("button", name="Add a link").click()
    await ben.open(await dialog.get_by_label(re.compile("^Can edit")).first.input_value())
    await ben.saved()
    await dialog.get_by_label(re.compile("^Why")).fill("The exam has begun")
    await dialog.get_by_role("button", name="Freeze").click()

    for visitor in (ada, ben):
        await expect(visitor.pill).to_have_text("Frozen")
    await expect(ben.page.get_by_role("status").filter(has_text="The exam has begun")).to_be_visible()
    await expect(ben.editor).to_have_attribute("contenteditable", "false")
    assert await ben.check_accessibility() == []
    await ben.page.reload()
    await expect(ben.pill).to_have_text("Frozen")
    await dialog.get_by_role("button", name="Let people write again").click()
    await ben.saved()
    await ben.write("Over")
    await ada.sees("Over")


async def test_a_group_is_joined_by_its_code_and_given_a_guide(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    student = await make_account(server, "Ben")
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
    await ada.page.get_by_role("link", name="Groups").click()
    await ada.page.get_by_label("Name of a new group").fill("Class 7b")
    await ada.page.keyboard.press("Enter")
    group = ada.page.get_by_role("region", name="Class 7b")
    code = await group.locator("strong").inner_text()
    await sign_in(ben, server, student)
    await ben.page.get_by_role("link", name="Groups").click()
    await ben.page.get_by_label("Code of a group").fill(code.lower())
    await ben.page.get_by_role("button", name="Join").click()
    await expect(ben.page.get_by_role("button", name="Leave Class 7b")).to_be_visible()
    await group.get_by_role("button", name="Members").click()
    await expect(group.get_by_role("list")).to_contain_text("Ben")
    assert await ada.check_accessibility() == []

    await ada.page.get_by_role("link", name="Tabs").click()
    await add_guide(ada)
    await ada.write("Cells divide")
    await ada.saved()
    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("To whom").select_option("Class 7b (group)")
    await dialog.get_by_label("It ends").last.select_option("in a week")
    await dialog.get_by_role("button", name="Give").click()
    await expect(dialog.get_by_text(re.compile("Can read, until"))).to_be_visible()
    await ben.page.get_by_role("link", name="Tabs").click()
    await ben.page.get_by_role("link", name="Untitled study guide").click()
    await ben.sees("Cells divide")
    await ben.page.get_by_role("button", name="Share").click()
    await expect(ben.page.get_by_text("Only its owner can give this guide")).to_be_visible()
    await ben.page.keyboard.press("Escape")

    await dialog.get_by_role("button", name=re.compile("^Take back from Class 7b")).click()
    await expect(ben.page.get_by_role("alert")).to_contain_text("does not open the guide any more")


async def test_a_class_is_joined_without_an_account(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada, ben = await visit(), await visit()
    await sign_in(ada, server, account)
    await ada.page.get_by_role("link", name="Groups").click()
    await ada.page.get_by_label("Name of a new group").fill("Class 7c")
    await ada.page.keyboard.press("Enter")
    code = await ada.page.get_by_role("region", name="Class 7c").locator("strong").inner_text()
    await ada.page.get_by_role("link", name="Tabs").click()
    await add_guide(ada)
    await ada.write("Cells divide")
    await ada.saved()
    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("To whom").select_option("Class 7c (group)")
    await dialog.get_by_label("What they may do").select_option("editor")
    await dialog.get_by_role("button", name="Give").click()
    await expect(dialog.get_by_role("button", name="Take back from Class 7c (group)")).to_be_visible()

    await ben.page.goto(f"{server.http}/join#code={code}")
    await ben.page.get_by_label("Your name in it").fill("Ben")
    await ben.page.keyboard.press("Enter")
    await expect(ben.page.get_by_text("You are in")).to_be_visible()
    assert await ben.check_accessibility() == []
    await ben.page.get_by_role("link", name="Untitled study guide").click()
    await ben.sees("Cells divide")
    await ben.write(", says Ben")
    await ben.saved()
    await ada.sees("says Ben")


async def test_a_person_is_given_a_guide_and_shown_by_name(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    student = await make_account(server, "Ben")
    ada = await visit()
    await sign_in(ada, server, account)
    await add_guide(ada)
    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await dialog.get_by_label("Their id").fill(student.id)
    await dialog.get_by_role("button", name="Give").click()

    await expect(dialog.get_by_role("button", name="Take back from Ben")).to_be_visible()
    assert await ada.check_accessibility() == []
