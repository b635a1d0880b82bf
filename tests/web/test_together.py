"""Starting a guide, sharing it, and writing it together."""

import re

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_the_first_visit_starts_a_guide_with_links_to_share(
    server: ServerProcess, visit: Visit
) -> None:
    ada = await visit()
    link = await ada.start_guide(server.http)
    assert re.fullmatch(re.escape(server.http) + r"/m/[\w-]+#k=.+", link)
    await expect(ada.title).to_have_value("Untitled study guide")

    await ada.page.get_by_role("button", name="Share").click()
    dialog = ada.page.get_by_role("dialog")
    await expect(dialog.get_by_label("Can edit")).to_have_value(re.compile(re.escape(server.http) + "/m/"))
    await expect(dialog.get_by_label("Can read")).to_have_value(re.compile(re.escape(server.http) + "/m/"))


async def test_two_people_write_in_one_guide(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    await ben.open(await ada.start_guide(server.http))
    await ada.write("# Cells\nMitochondria")
    await ben.sees("Mitochondria")
    await ben.write(" make energy")
    await ada.sees("Mitochondria make energy")
    await expect(ada.editor.get_by_role("heading", level=1)).to_have_text("Cells")
    await ada.saved()
    await ben.saved()


async def test_both_people_keep_their_letters_in_the_title(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    await ben.open(await ada.start_guide(server.http))
    await expect(ben.title).to_have_value("Untitled study guide")
    await ada.title.fill("Biology")
    await expect(ben.title).to_have_value("Biology")
    await ben.title.press("End")
    await ben.title.press_sequentially(", week 3")
    await ada.title.press("Home")
    await ada.title.press_sequentially("Cell ")
    for one in (ada, ben):
        await expect(one.title).to_have_value("Cell Biology, week 3")
    assert await ada.page.title() == "Cell Biology, week 3 · StudyHub"


async def test_a_late_joiner_sees_everybody_at_once(server: ServerProcess, visit: Visit) -> None:
    ada, ben, cleo = await visit(), await visit(), await visit()
    link = await ada.start_guide(server.http)
    await ben.open(link)
    await ada.write("one line")
    await ben.sees("one line")
    await ben.write("!")
    await cleo.open(link)
    await expect(cleo.carets).to_have_count(2)
    await expect(cleo.page.locator(".stack .avatar")).to_have_count(3)


async def test_a_selection_of_others_shows_in_their_colour(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    await ben.open(await ada.start_guide(server.http))
    await ada.write("select me")
    await ada.page.keyboard.press("Shift+Home")
    await expect(ben.page.locator(".remote-selection")).to_have_text("select me")


async def test_undo_takes_back_only_ones_own_words(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    await ben.open(await ada.start_guide(server.http))
    await ada.write("from Ada")
    await ben.sees("from Ada")
    await ben.write(" and Ben")
    await ada.sees("and Ben")
    await ada.page.keyboard.press("Control+z")
    for one in (ada, ben):
        await expect(one.editor).not_to_contain_text("from Ada")
        await one.sees("and Ben")


async def test_a_view_link_is_read_only(server: ServerProcess, visit: Visit) -> None:
    ada, vera = await visit(), await visit()
    await ada.start_guide(server.http)
    await ada.write("for reading")
    await ada.page.get_by_role("button", name="Share").click()
    link = await ada.page.get_by_label("Can read").input_value()
    await vera.open(link)
    await vera.sees("for reading")
    await expect(vera.pill).to_have_text("Read-only")
    await expect(vera.editor).to_have_attribute("contenteditable", "false")
    await expect(vera.page.get_by_role("toolbar")).to_have_count(0)

    await vera.editor.click()
    await vera.page.keyboard.type("graffiti")
    await vera.title.press_sequentially("graffiti")
    await ada.page.keyboard.press("Escape")
    await ada.write(", still")
    await vera.sees("for reading, still")
    await expect(ada.editor).to_have_text("for reading, still")
    await expect(ada.title).to_have_value("Untitled study guide")

    await vera.page.get_by_role("button", name="Share").click()
    await expect(vera.page.get_by_label("Can read")).to_be_visible()
    await expect(vera.page.get_by_label("Can edit")).to_have_count(0)


async def test_a_new_name_reaches_the_others_and_the_next_visit(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    link = await ada.start_guide(server.http)
    await ben.open(link)
    await ada.page.get_by_role("button", name=re.compile("here:")).click()
    await ada.page.get_by_label("Your name").fill("Ada Lovelace")
    await ada.page.get_by_role("button", name="Rename").click()
    await expect(ben.page.get_by_role("button", name=re.compile("Ada Lovelace"))).to_be_visible()
    await ada.page.reload()
    await expect(ada.page.get_by_role("button", name=re.compile("Ada Lovelace"))).to_be_visible()


async def test_guides_of_earlier_visits_are_in_the_menu(server: ServerProcess, visit: Visit) -> None:
    ada = await visit()
    await ada.start_guide(server.http)
    await ada.title.fill("Physics")
    await ada.write("F = ma")
    await ada.saved()
    await ada.page.get_by_role("button", name="Your guides").click()
    await ada.page.get_by_role("link", name="New guide").click()
    await expect(ada.title).to_have_value("Untitled study guide")
    await expect(ada.editor).not_to_contain_text("F = ma")
    await ada.page.get_by_role("button", name="Your guides").click()
    await ada.page.get_by_role("link", name=re.compile("Physics")).click()
    await ada.sees("F = ma")
