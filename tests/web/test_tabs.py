"""My tabs: named, coloured, put in order by keyboard, thrown away and taken back."""

import re

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.accounts import add_tab, agree, make_account, sign_in
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_tabs_are_renamed_coloured_and_put_in_order_by_keyboard(
    server: ServerProcess, visit: Visit
) -> None:
    account = await make_account(server)
    ada = await visit(color_scheme="dark", reduced_motion="reduce")
    page = ada.page
    await sign_in(ada, server, account)
    await add_tab(ada, "Biology")
    maths = await add_tab(ada, "Maths")
    await maths.get_by_role("button", name="Edit").press("Enter")
    await maths.get_by_label("Name").fill("Algebra")
    await maths.get_by_role("radio", name="green").press("Space")
    await page.keyboard.press("Enter")
    algebra = page.get_by_role("region", name="Algebra")
    await algebra.get_by_role("button", name="Edit").press("Enter")
    await expect(algebra.get_by_role("radio", name="green")).to_be_checked()

    up = algebra.get_by_role("button", name="Move up")
    await up.press("Enter")
    await expect(page.get_by_text("Algebra is number 1 of 2")).to_be_visible()
    await expect(up).to_be_focused()
    assert await ada.check_accessibility() == []
    await page.reload()
    await expect(page.get_by_role("region", name=re.compile("Algebra|Biology")).first).to_contain_text(
        "Algebra"
    )


async def test_a_guide_moves_to_another_tab_into_the_trash_and_back(
    server: ServerProcess, visit: Visit
) -> None:
    account = await make_account(server)
    ada = await visit(viewport={"width": 390, "height": 800})
    page = ada.page
    await sign_in(ada, server, account)
    biology = await add_tab(ada, "Biology")
    maths = await add_tab(ada, "Maths")
    await biology.get_by_role("button", name="New guide").click()
    await biology.get_by_role("button", name=re.compile("^Organise")).click()
    await biology.get_by_label(re.compile("^Move .* to$")).select_option("Maths")
    await biology.get_by_role("button", name="Move", exact=True).click()
    await expect(maths.get_by_role("link")).to_have_count(1)
    await expect(biology.get_by_role("link")).to_have_count(0)

    await maths.get_by_role("button", name=re.compile("^Organise")).click()
    assert await ada.check_accessibility() == []
    await maths.get_by_role("button", name=re.compile("^Delete")).press("Enter")
    await expect(maths.get_by_role("link")).to_have_count(0)
    await expect(page.get_by_text("is in the trash")).to_be_focused()
    await page.get_by_role("button", name="Show the trash").click()
    await page.get_by_role("button", name=re.compile("^Restore Untitled")).click()
    await expect(maths.get_by_role("link")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_guides_are_put_in_order_by_keyboard(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada = await visit()
    await sign_in(ada, server, account)
    tab = await add_tab(ada, "Biology")
    links = tab.get_by_role("link")
    for count in (1, 2):
        await tab.get_by_role("button", name="New guide").press("Enter")
        await expect(links).to_have_count(count)
    second = await links.last.get_attribute("href") or ""
    await tab.get_by_role("button", name=re.compile("^Organise")).last.press("Enter")
    up = tab.get_by_role("button", name=re.compile("^Move .* up$"))
    await up.press("Enter")

    await expect(links.first).to_have_attribute("href", second)
    await expect(up).to_be_focused()
    await ada.page.reload()
    await expect(links.first).to_have_attribute("href", second)


async def test_a_tab_comes_back_from_the_trash_with_all_in_it(server: ServerProcess, visit: Visit) -> None:
    account = await make_account(server)
    ada = await visit()
    page = ada.page
    agree(ada)
    await sign_in(ada, server, account)
    tab = await add_tab(ada, "Biology")
    await tab.get_by_role("button", name="New guide").click()
    await tab.get_by_role("button", name="Edit").click()
    await tab.get_by_role("button", name="Delete", exact=True).click()
    await expect(tab).to_be_hidden()
    await page.get_by_role("button", name="Show the trash").click()
    await page.get_by_role("button", name="Restore Biology").click()

    await expect(tab.get_by_role("link")).to_have_count(1)
    await expect(page.get_by_text("The trash is empty.")).to_be_visible()
