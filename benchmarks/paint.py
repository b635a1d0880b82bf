"""How long a key stroke takes to be painted in another browser: `python -m benchmarks.paint`.

Two pages of one Chromium share a guide on a server of this run. One types at a steady pace, the other
notes when each character has been painted: after the frame that follows the change. Both read the same
clock (`performance.timeOrigin + performance.now()`). What is measured is the whole way: key event, editor,
WebSocket, validation, log, fan-out, WebSocket, editor, layout, paint.
"""

import asyncio
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.server import ServerProcess

_EDITOR = ".ProseMirror[contenteditable=true]"
_WARM_UP = 20  # key strokes that are not counted

_NOTE_KEYS = """() => {
    window.strokes = []
    addEventListener('keydown', () => strokes.push(performance.timeOrigin + performance.now()), true)
}"""

_NOTE_PAINTS = """(selector) => {
    window.paints = []
    const text = document.querySelector(selector)
    const afterPaint = new MessageChannel()
    // The name at the other's caret is text too, but not the guide's.
    const names = () => text.querySelector('.caret')?.textContent.length ?? 0
    const length = () => text.textContent.length - names()
    afterPaint.port1.onmessage = ({ data }) => {
        while (paints.length < data) paints.push(performance.timeOrigin + performance.now())
    }
    const changed = () => requestAnimationFrame(() => afterPaint.port2.postMessage(length()))
    new MutationObserver(changed).observe(text, { childList: true, characterData: true, subtree: true })
}"""


async def measure(url: str, strokes: int, pause: float) -> list[float]:
    """Milliseconds from each key stroke to its paint; `pause` is in milliseconds. Raises RuntimeError."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no Chromium on the PATH")
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            writer = await _open(browser, url)
            reader = await _open(browser, writer.url)
            return await _type(writer, reader, strokes, pause)
        finally:
            await browser.close()


async def _open(browser: Browser, url: str) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(url)
    await page.wait_for_selector(_EDITOR)
    return page


async def _type(writer: Page, reader: Page, strokes: int, pause: float) -> list[float]:
    await writer.evaluate(_NOTE_KEYS)
    await reader.evaluate(_NOTE_PAINTS, _EDITOR)
    await writer.focus(_EDITOR)
    total = strokes + _WARM_UP
    for index in range(total):
        await writer.keyboard.press("abcdefghij"[index % 10])
        await writer.wait_for_timeout(pause)
    await reader.wait_for_function("(count) => paints.length >= count", arg=total)
    keys: list[float] = await writer.evaluate("strokes")
    paints: list[float] = await reader.evaluate("paints")
    return [paint - key for key, paint in zip(keys, paints, strict=False)][_WARM_UP:total]


def main(
    strokes: Annotated[int, typer.Option(help="Key strokes to count.")] = 200,
    pause: Annotated[float, typer.Option(help="Milliseconds between two of them.")] = 70.0,
) -> None:
    """Measure key stroke to remote paint between two browser pages."""
    with tempfile.TemporaryDirectory() as data, ServerProcess(Path(data), STUDYHUB_AUTH="links") as server:
        times = asyncio.run(measure(server.http, strokes, pause))
    cuts = statistics.quantiles(times, n=100)
    typer.echo(
        f"key stroke to remote paint, {len(times)} strokes: "
        f"p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, max {max(times):.1f} ms"
    )


if __name__ == "__main__":
    typer.run(main)
