"""The page that shows the API and calls it."""

import pytest
from playwright.async_api import expect

from benchmarks.server import ServerProcess
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


async def test_an_operation_is_found_and_called_by_keyboard(server: ServerProcess, visit: Visit) -> None:
    ada = await visit()
    await ada.page.goto(f"{server.http}/api/v1/docs")
    operation = ada.page.locator("#create_material")
    await operation.locator("summary").focus()
    await ada.page.keyboard.press("Enter")
    await operation.get_by_role("button", name="Send").focus()
    await ada.page.keyboard.press("Enter")

    await expect(operation.get_by_role("status")).to_contain_text("201")
    await expect(operation.locator("pre")).to_contain_text('"links"')
    assert await ada.check_accessibility() == []
