"""`studyhub authorship rebuild`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from pycrdt import Doc, Text
from typer.testing import CliRunner, Result

from collab.authorship.encoding import decode
from collab.backends import Backends, open_backends
from collab.cli import app
from collab.settings import Settings
from storage.catalog.authorship import Derived
from storage.catalog.catalog import Catalog
from storage.catalog.values import Material
from storage.compactor import Compactor
from storage.format import encode_entry
from storage.history import History
from storage.testing import append
from storage.values import ZERO, Entry, Part

T = TypeVar("T")


def stored(data: Path, work: Callable[[Backends, Catalog], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_backends(Settings(data=data)) as backends:
            assert backends.catalog is not None
            return await work(backends, backends.catalog)

    return asyncio.run(run())


async def prepare(backends: Backends, catalog: Catalog) -> None:
    """Two materials, one with history."""
    for material in ("a", "b"):
        await catalog.add_material(Material(material, None, "", 1, ""))
    doc: Doc[Text] = Doc(client_id=10)
    text = doc.get("text", type=Text)
    for now in range(3):
        before = doc.get_state()
        text += "word"
        part = Part("ann", (10,), doc.get_update(before))
        await append(backends.log, "a", encode_entry(Entry(0, (part,))))
        await Compactor(backends.log, backends.objects).compact("a", now)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    stored(tmp_path, prepare)
    return tmp_path


def rebuild(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["authorship", "rebuild", *arguments, "--data", str(data)])


async def authors(_: Backends, catalog: Catalog) -> set[str]:
    derived = await catalog.authorship.read("a")
    return set() if derived is None else decode(derived.data).authors()


def test_all_materials_or_those_that_are_named(data: Path) -> None:
    assert rebuild(data).output == "Rebuilt the authorship of 2 materials.\n"
    assert stored(data, authors) == {"ann"}
    assert rebuild(data, "a").output == "Rebuilt the authorship of 1 materials.\n"


def test_a_material_that_is_not_listed_is_an_error(data: Path) -> None:
    result = rebuild(data, "a", "c")

    assert result.exit_code == 1
    assert "no material 'c'" in result.output


def test_what_cannot_be_derived_any_more_is_kept(data: Path) -> None:
    rebuild(data)

    async def forget(backends: Backends, _: Catalog) -> None:
        for key in await History(backends.objects).list("a"):
            await backends.objects.delete(key.name)

    stored(data, forget)

    assert rebuild(data).output.splitlines() == [
        "Rebuilt the authorship of 1 materials.",
        "1 were brought up to date only: the beginning of their history is gone.",
    ]
    assert stored(data, authors) == {"ann"}


def test_damage_in_one_material_keeps_no_other_from_it(data: Path) -> None:
    async def damage(backends: Backends, catalog: Catalog) -> None:
        await append(backends.log, "a", b"no entry")
        await catalog.authorship.keep("b", Derived(ZERO, b"old"))

    stored(data, damage)
    result = rebuild(data)

    assert result.exit_code == 1
    assert "Rebuilt the authorship of 1 materials.\n" in result.output
    assert "a: read authors 'a'" in result.output
