"""Everybody can use the page: by keyboard, with a screen reader, in the light and in the dark."""

import re
from typing import Literal

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio

FOCUSED = "document.activeElement.ariaLabel ?? document.activeElement.innerText"
SAMPLE = "# Cells\n## Parts\n**bold** `code` ==marks== https://a.example here\n- one\n\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_serious_violation(
    server: ServerProcess, visit: Visit, scheme: Literal["light", "dark"]
) -> None:
    # A panel that is still fading in has another contrast.
    look = {"color_scheme": scheme, "reduced_motion": "reduce"}
    ada, ben = await visit(**look), await visit(**look)
    await ben.open(await ada.start_guide(server.http))
    await ada.write(SAMPLE + "[] task\n")
    await ben.sees("task")
    assert await ben.check_accessibility() == []
    await ada.page.get_by_role("button", name="Your guides").click()
    assert await ada.check_accessibility() == []
    await ada.page.get_by_role("button", name=re.compile("here:")).click()
    assert await ada.check_accessibility() == []
    await ada.page.get_by_role("button", name="Share").click()
    await expect(ada.page.get_by_label("Can read")).to_be_visible()
    assert await ada.check_accessibility() == []


async def test_the_keyboard_alone_reaches_and_works_everything(server: ServerProcess, visit: Visit) -> None:
    ada = await visit()
    await ada.start_guide(server.http)
    keyboard = ada.page.keyboard
    reached = []
    for _ in range(8):
        await keyboard.press("Tab")
        reached.append(await ada.page.evaluate(FOCUSED))
    assert [label.split(":")[0] for label in reached] == [
        "Your guides",
        "Title",
        "Connection",
        "Dark theme",
        "1 here",
        "Share",
        "Text style",
        "Study guide text",
    ]

    await keyboard.type("words")
    await keyboard.press("Control+a")
    await keyboard.press("Alt+F10")
    for _ in range(3):
        await keyboard.press("ArrowRight")
    await expect(ada.page.get_by_role("button", name="Bold")).to_be_focused()
    await keyboard.press("Enter")
    await expect(ada.editor.locator("strong")).to_have_text("words")
    await expect(ada.editor).to_be_focused()
    await expect(ada.page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")

    await keyboard.press("Control+k")
    await keyboard.type("a.example")
    await keyboard.press("Enter")
    await expect(ada.editor.locator("a")).to_have_attribute("href", "https://a.example")


async def test_the_theme_follows_the_system_until_one_is_chosen(server: ServerProcess, visit: Visit) -> None:
    ada = await visit(color_scheme="dark")
    await ada.start_guide(server.http)
    background = "getComputedStyle(document.body).backgroundColor"
    dark, light = "rgb(22, 23, 26)", "rgb(247, 247, 245)"
    assert await ada.page.evaluate(background) == dark
    await ada.page.get_by_role("button", name="Dark theme").click()
    assert await ada.page.evaluate(background) == light
    await ada.page.reload()
    assert await ada.page.evaluate(background) == light


async def test_comings_and_goings_are_announced(server: ServerProcess, visit: Visit) -> None:
    ada, ben = await visit(), await visit()
    await ben.open(await ada.start_guide(server.http))
    status = ada.page.locator("main + [role=status]")
    await expect(status).to_have_text(re.compile("joined"))
    await ben.page.close()
    await expect(status).to_have_text(re.compile("left"))
