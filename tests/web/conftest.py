"""A real server, a real browser, and visitors who must not see an error."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from benchmarks.server import ServerProcess
from collab.pages import STATIC
from tests.web.visitor import Visitor, visitor

Visit = Callable[..., Awaitable[Visitor]]

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """The browser outlives one test, so its event loop does too."""
    return "asyncio"


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    if not (STATIC / "index.html").is_file():
        pytest.fail("the page is not built: make install")
    with ServerProcess(tmp_path_factory.mktemp("data"), STUDYHUB_AUTH="links") as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server for one test that kills it."""
    with ServerProcess(tmp_path, STUDYHUB_AUTH="links") as running:
        yield running


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("no Chromium on the PATH: scripts/install-browser")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Makes visitors; afterwards none of their pages may have written an error to the console."""
    async with AsyncExitStack() as stack:
        visitors: list[Visitor] = []

        async def make(**options: Any) -> Visitor:
            visitors.append(await stack.enter_async_context(visitor(browser, **options)))
            return visitors[-1]

        yield make
        assert [error for one in visitors for error in one.errors] == []


@pytest.fixture
def own_small_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that refuses updates above 256 bytes."""
    with ServerProcess(tmp_path, STUDYHUB_AUTH="links", STUDYHUB_UPDATE_BYTES="256") as running:
        yield running
