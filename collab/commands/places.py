"""Where data is, and whether somebody is using it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import typer
from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from collab.backends import Backends, open_backends
from collab.errors import StartError
from collab.logs import configure
from collab.settings import Settings
from storage.errors import StorageError
from storage.lock import FolderLock
from storage.store import Store

T = TypeVar("T")

_PREFIX = "STUDYHUB_"


class _Given(Settings):
    """Settings that the environment has no part in."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings_of(place: Path) -> Settings:
    """The settings of a place: a data folder, or a file of `STUDYHUB_*` lines. Raises StartError."""
    given: dict[str, Any] = _lines(place) if place.is_file() else {"data": place}
    try:
        return _Given(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else ""
        raise StartError(f"{place}: {_PREFIX}{name}: {first['msg']}") from error


def _lines(file: Path) -> dict[str, str | None]:
    """Raises StartError for a name that is no setting: the place would be another than was meant."""
    values = {name: value for name, value in dotenv_values(file).items() if name.startswith(_PREFIX)}
    given = {name.removeprefix(_PREFIX).lower(): value for name, value in values.items()}
    if unknown := sorted(given.keys() - Settings.model_fields.keys()):
        raise StartError(f"{file}: {_PREFIX}{unknown[0].upper()} is no setting")
    if not given:
        raise StartError(f"{file} has no line with {_PREFIX}")
    return given


@asynccontextmanager
async def opened(settings: Settings, *, alone: bool, catalog: bool = True) -> AsyncIterator[Backends]:
    """What is stored there already; `alone`: while no server runs. Raises StartError, StorageError."""
    if _is_embedded(settings) and not (settings.data / "log.db").is_file():
        raise StartError(f"there is no StudyHub data in {settings.data}")
    with _locked(settings, alone=alone):
        async with open_backends(settings, catalog=catalog) as backends:
            if alone:
                await _refuse_nodes(backends)
            yield backends


@asynccontextmanager
async def opened_empty(settings: Settings, source: Backends) -> AsyncIterator[Backends]:
    """A place that takes what `source` holds, and has its catalogue on entry; no server may run.

    Raises StartError, NotEmpty and other StorageErrors.
    """
    from collab.commands.catalogues import receive

    with _locked(settings, alone=True):
        await receive(source, settings)
        async with open_backends(settings) as backends:
            await _refuse_nodes(backends)
            yield backends


def store_of(backends: Backends) -> Store:
    """The parts that hold something."""
    return Store(backends.log, backends.objects, backends.catalog)


@contextmanager
def one_line(what: str) -> Iterator[None]:
    """Errors in the block end the command with one line, "cannot" and `what` before them."""
    configure(as_json=False)  # standard output is for results
    try:
        yield
    except (StartError, StorageError, OSError, ValueError) as error:
        typer.echo(f"cannot {what}: {error}", err=True)
        raise typer.Exit(1) from error


def run(what: str, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, its errors as in `one_line`."""
    with one_line(what):
        return asyncio.run(work)


def _is_embedded(settings: Settings) -> bool:
    return settings.redis_url is None


def _locked(settings: Settings, *, alone: bool) -> ExitStack:
    """The lock on the data folder, where anything is stored in it; the nodes of a cluster hold leases."""
    stack = ExitStack()
    elsewhere = not _is_embedded(settings) and settings.s3_bucket and settings.database_url
    if alone and not elsewhere:
        stack.enter_context(FolderLock(settings.data))
    return stack


async def _refuse_nodes(backends: Backends) -> None:
    """Raises StartError while nodes run."""
    if nodes := await backends.lease.held("node/"):
        names = ", ".join(name.removeprefix("node/") for name in nodes)
        raise StartError(f"nodes are running: {names}; stop them first (a killed one counts for 15 seconds)")
