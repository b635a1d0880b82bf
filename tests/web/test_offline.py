"""Nothing that was typed is lost, and the pill never claims more than is true."""

import re

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_offline_edits_survive_a_reload_and_merge_on_return(
    server: ServerProcess, visit: Visit
) -> None:
    ada, ben = await visit(), await visit()
    link = await ada.start_guide(server.http)
    await ada.ready_for_offline()
    await ben.open(link)
    await ada.write("together. ")
    await ben.sees("together.")
    await ada.saved()

    await ada.context.set_offline(True)
    await expect(ada.pill).to_have_text("Offline")
    await ada.write("alone")
    await expect(ada.pill).to_have_text("Offline, 5 edits waiting")
    await ada.page.reload()
    await ada.sees("together. alone")
    await expect(ada.pill).to_have_text("Offline, 5 edits waiting")
    await ada.write("!")
    await expect(ada.pill).to_have_text("Offline, 6 edits waiting")

    await ben.write("Meanwhile.")
    await ben.saved()
    await ada.context.set_offline(False)
    await ada.sees("Meanwhile.")
    await ben.sees("alone!")
    await ada.saved()


async def test_a_guide_seen_before_opens_offline_and_another_address_explains(
    server: ServerProcess, visit: Visit
) -> None:
    ada = await visit()
    await ada.start_guide(server.http)
    await ada.write("kept here")
    await ada.saved()
    await ada.ready_for_offline()
    await ada.context.set_offline(True)
    await ada.page.goto(f"{server.http}/")
    await expect(ada.page.get_by_role("alert")).to_contain_text("cannot be reached")
    await ada.page.get_by_role("button", name="Your guides").click()
    await ada.page.get_by_role("link", name=re.compile("Untitled")).click()
    await ada.sees("kept here")


async def test_a_killed_server_costs_no_edit(own_server: ServerProcess, visit: Visit) -> None:
    ada = await visit()
    await ada.start_guide(own_server.http)
    await ada.write("before")
    await ada.saved()
    own_server.kill()
    await expect(ada.pill).to_have_text(re.compile("Reconnecting"))
    await ada.write(" after")
    await expect(ada.pill).to_have_text("Reconnecting, 6 edits waiting")
    own_server.start()
    await ada.saved()
    await expect(ada.editor).to_have_text("before after")

    ben = await visit()
    await ben.open(ada.page.url)
    await ben.sees("before after")


async def test_a_reload_says_saved_only_after_the_server_has_the_local_edits(
    own_server: ServerProcess, visit: Visit
) -> None:
    ada = await visit()
    await ada.start_guide(own_server.http)
    await ada.ready_for_offline()
    own_server.kill()
    await ada.write("only here")
    await ada.page.reload()
    await ada.sees("only here")
    await expect(ada.pill).to_have_text("Reconnecting, 9 edits waiting")
    own_server.start()
    await ada.saved()
    ben = await visit()
    await ben.open(ada.page.url)
    await ben.sees("only here")
