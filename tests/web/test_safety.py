"""What others write is text, whatever they write; what the server refuses is told, not lost."""

import re

import pytest
from playwright.async_api import expect
from pycrdt import XmlElement, XmlFragment

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio

ATTACK = '"><img src=x onerror="window.hit=1"><script>window.hit=1</script>'


async def test_a_hostile_name_is_shown_as_text(server: ServerProcess, visit: Visit) -> None:
    ada, mallory = await visit(), await visit()
    link = await ada.start_guide(server.http)
    await ada.write("some text")
    await mallory.open(link)
    await mallory.page.get_by_role("button", name=re.compile("here:")).click()
    await mallory.page.get_by_label("Your name").fill(ATTACK[:60])
    await mallory.page.get_by_role("button", name="Rename").click()
    await mallory.write(".")
    await expect(ada.carets).to_contain_text("<img src=x")
    await ada.page.get_by_role("button", name=re.compile("here:")).click()
    await expect(ada.page.get_by_role("list", name="People here")).to_contain_text("<img src=x")
    assert await ada.page.evaluate("window.hit") is None


async def test_a_hostile_title_is_shown_as_text(server: ServerProcess, visit: Visit) -> None:
    ada, mallory = await visit(), await visit()
    await mallory.open(await ada.start_guide(server.http))
    await mallory.title.fill(ATTACK)
    await expect(ada.title).to_have_value(ATTACK)
    await ada.page.get_by_role("button", name="Your guides").click()
    assert await ada.page.evaluate("window.hit") is None


async def test_hostile_content_and_links_do_nothing(server: ServerProcess, visit: Visit) -> None:
    # Without the content security policy, which would stop a script that the page lets through.
    ada, ben = await visit(bypass_csp=True), await visit(bypass_csp=True)
    await ben.open(await ada.start_guide(server.http))
    await ada.editor.focus()
    html = f'<p>pasted {ATTACK} <a href="javascript:window.hit=1">press</a></p>'
    await ada.page.evaluate(
        """(html) => {
            const data = new DataTransfer()
            data.setData('text/html', html)
            const options = { clipboardData: data, bubbles: true, cancelable: true }
            document.activeElement.dispatchEvent(new ClipboardEvent('paste', options))
        }""",
        html,
    )
    for one in (ada, ben):
        await one.sees("press")
        await expect(one.editor.locator("a, script, img:not(.ProseMirror-separator)")).to_have_count(0)
        assert await one.page.evaluate("window.hit") is None

    await ada.page.keyboard.press("Control+a")
    await ada.page.keyboard.press("Control+k")
    await ada.page.get_by_label("Link address").fill("javascript:window.hit=1")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_text("A web address (https)")).to_be_visible()
    await expect(ada.editor.locator("a")).to_have_count(0)


async def test_a_wrong_link_says_what_is_the_matter(server: ServerProcess, visit: Visit) -> None:
    ada = await visit()
    link = await ada.start_guide(server.http)
    ben = await visit()
    await ben.page.goto(link[:-4])
    await expect(ben.page.get_by_role("alert")).to_contain_text("does not open the guide")
    ben.errors = [error for error in ben.errors if "403" not in error]


async def test_refused_edits_are_offered_for_copying(visit: Visit, own_small_server: ServerProcess) -> None:
    ada = await visit()
    await ada.start_guide(own_small_server.http)
    await ada.write("fine")
    await ada.saved()
    await ada.page.keyboard.insert_text("too much " * 60)
    notice = ada.page.get_by_role("alert")
    await expect(notice).to_contain_text("could not be accepted")
    await expect(notice.get_by_label("Your text")).to_have_value(re.compile("^finetoo much"))
    await notice.get_by_role("button", name="Start fresh").click()
    await expect(ada.editor).to_have_text("fine")
    await ada.saved()


async def test_content_of_a_newer_version_is_left_alone(server: ServerProcess, visit: Visit) -> None:
    """The editor would delete a node that it does not know, for everybody."""
    ada = await visit()
    link = await ada.start_guide(server.http)
    await ada.write("mine")
    await ada.saved()
    material, key = link.rsplit("/", 1)[1].split("#k=")
    answer = await ada.context.request.post(f"{server.http}/api/v1/token", data={"id": material, "k": key})
    ticket = (await answer.json())["token"]
    newer = Client(server.url, material, ticket=ticket)
    await newer.connect()
    body = newer.doc.get("body", type=XmlFragment)
    await newer.edit(lambda: body.children.append(XmlElement("callout", None, [XmlElement("paragraph")])))
    await expect(ada.page.get_by_role("alert")).to_contain_text("Please reload")
    await ada.page.reload()
    await expect(ada.page.get_by_role("alert")).to_contain_text("Please reload")
    await newer.resync()
    await newer.close()
    assert "<callout>" in str(body)
