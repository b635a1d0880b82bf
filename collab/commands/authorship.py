"""`studyhub authorship rebuild`."""

from collections import Counter
from collections.abc import Sequence

import typer

from collab.authorship.service import Authorship
from collab.commands.copying import progress
from collab.commands.places import opened, run
from collab.errors import StartError
from collab.settings import Settings
from storage.errors import Corrupt


def rebuild_command(settings: Settings, materials: Sequence[str]) -> None:
    """Derive who wrote what anew, of all materials of the catalogue or of these, and print of how many.

    Exit 1 where the past of one cannot be read; the others are done.
    """
    done = run("rebuild", _rebuild(settings, materials))
    typer.echo(f"Rebuilt the authorship of {done[True]:,} materials.")
    if done[False]:
        typer.echo(f"{done[False]:,} were brought up to date only: the beginning of their history is gone.")
    if done[None]:
        raise typer.Exit(1)


async def _rebuild(settings: Settings, materials: Sequence[str]) -> Counter[bool | None]:
    """How many were rebuilt (True), only brought up to date (False), and could not be read (None)."""
    async with opened(settings, alone=False) as backends:
        catalog = backends.catalog
        assert catalog is not None, "places are opened with their catalogue"
        listed = [material.id async for material in catalog.materials()]
        if unknown := sorted(set(materials) - set(listed)):
            raise StartError(f"the catalogue has no material {unknown[0]!r}")
        authorship, wanted = Authorship(catalog, backends.log, backends.objects), materials or listed
        done = Counter[bool | None]()
        for material in wanted:
            try:
                done[await authorship.rebuild(material)] += 1
            except Corrupt as error:
                typer.echo(f"{material}: {error}", err=True)
                done[None] += 1
            progress(done.total(), len(wanted))
    return done
