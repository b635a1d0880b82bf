"""A person with a browser of their own, as the tests tell their stories."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

_NETWORK = re.compile(r"WebSocket connection to|net::ERR_|status of 503")
"""What the browser itself writes to the console when the network or the server is away."""


class Visitor:
    """One browser context with one page.

    Attributes:
        errors: what the page wrote to the console as an error, and exceptions nobody caught.
    """

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.errors: list[str] = []
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))

    def _note(self, text: str) -> None:
        if not _NETWORK.search(text):
            self.errors.append(text)

    @property
    def editor(self) -> Locator:
        """The text of the guide."""
        return self.page.get_by_role("textbox", name="Study guide text")

    @property
    def pill(self) -> Locator:
        """The words of the connection pill."""
        return self.page.get_by_test_id("pill").locator(".text")

    @property
    def title(self) -> Locator:
        """The title's field."""
        return self.page.get_by_label("Title")

    @property
    def carets(self) -> Locator:
        """The names at other people's carets."""
        return self.page.locator(".caret-name")

    async def open(self, url: str) -> None:
        """Go to `url` and wait for the editor."""
        await self.page.goto(url)
        await expect(self.editor).to_be_visible()

    async def start_guide(self, url: str) -> str:
        """Begin a new guide at the server `url`; returns its edit link."""
        await self.open(url)
        await self.saved()
        return self.page.url

    async def write(self, text: str) -> None:
        """Type at the end of the guide."""
        await self.editor.focus()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.type(text)

    async def saved(self) -> None:
        """Wait until the pill says so."""
        await expect(self.pill).to_have_text("Saved", timeout=20_000)

    async def sees(self, text: str) -> None:
        """Wait until `text` is in the guide."""
        await expect(self.editor).to_contain_text(text, timeout=20_000)

    async def ready_for_offline(self) -> None:
        """Wait until the service worker has stored the page."""
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
        await self.page.wait_for_function("navigator.serviceWorker.controller !== null")

    async def check_accessibility(self) -> list[str]:
        """Serious violations that axe-core finds, as `rule: selector`."""
        await self.page.evaluate(AXE.read_text())
        found: list[dict[str, Any]] = await self.page.evaluate(
            "axe.run().then((result) => result.violations)"
        )
        return [
            f"{violation['id']}: {node['target']}"
            for violation in found
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]


@asynccontextmanager
async def visitor(browser: Browser, **options: Any) -> AsyncIterator[Visitor]:
    """A visitor in a new context; `options` are those of `Browser.new_context`."""
    context = await browser.new_context(**options)
    try:
        yield Visitor(context, await context.new_page())
    finally:
        await context.close()
