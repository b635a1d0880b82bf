"""Stored data for the tests of the operator's commands, and the commands."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from collab.backends import open_backends
from collab.cli import app
from collab.commands import places
from collab.commands.places import settings_of, store_of
from storage.catalog.values import Installation, Material
from tests.storage.stores import fill, state

DOCUMENTS = {"biology/cells": "ceseesee", "Ω": "eses", "empty": "c", "bare": "ee"}
"""Documents by id, and how they came to be (`tests.storage.stores.fill`)."""


@contextmanager
def quiet_logs() -> Iterator[None]:
    """The commands run in this process: what sends their log lines to standard error is taken back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "configure", lambda *, as_json: None)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        yield
        structlog.reset_defaults()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def good(*arguments: str | Path) -> str:
    """What a command printed that went well."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str | Path) -> str:
    """The one line of a command that did not go well."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


def make(place: Path) -> None:
    """Fill a place with DOCUMENTS, rows for two of them, and one more object."""

    async def work() -> None:
        settings = settings_of(place)
        settings.data.mkdir(parents=True, exist_ok=True)
        async with open_backends(settings) as backends:
            assert backends.catalog is not None
            for number, (doc, steps) in enumerate(DOCUMENTS.items()):
                await fill(store_of(backends), doc, steps, number)
            for doc in ("biology/cells", "Ω"):
                await backends.catalog.add_material(Material(doc, "guide", "Zellen", 7, "ann"))
            await backends.objects.put("media/cell.png", b"picture")

    asyncio.run(work())


def read(place: Path) -> tuple[Installation, dict[str, bytes], list[Material], list[str]]:
    """Whose data is there, the state of each document, the catalogue's rows, the names of objects."""

    async def work() -> tuple[Installation, dict[str, bytes], list[Material], list[str]]:
        async with open_backends(settings_of(place)) as backends:
            assert backends.catalog is not None
            store = store_of(backends)
            states = {doc: await state(store, doc) for doc in await store.documents()}
            rows = [row async for row in backends.catalog.materials()]
            return backends.catalog.installation, states, rows, await store.objects.list("")

    return asyncio.run(work())
