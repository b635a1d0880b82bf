"""Moves the catalogue, the first thing that a new place gets: the names of all else may hold its id."""

from contextlib import aclosing

from collab.backends import Backends
from collab.settings import Settings
from storage.catalog.catalog import Catalog
from storage.errors import Unavailable
from storage.transfer import NotEmpty


async def receive(source: Backends, settings: Settings) -> None:
    """Give the place of `settings` the installation and the materials of `source`.

    Where a copy that broke off gave it them, materials that came since are added. Raises NotEmpty for the
    catalogue of another installation, StorageError.
    """
    url = settings.database_url
    catalog = Catalog(url.get_secret_value() if url else settings.data / "catalog.db")
    try:
        await fill(catalog, source)
    finally:
        await catalog.close()


async def fill(target: Catalog, source: Backends) -> None:
    """Give `target` the rows of the catalogue of `source`. Raises as `receive`."""
    assert source.catalog is not None, "places are opened with their catalogue"
    found = await _installation(target)
    if found is None:
        await target.import_(source.catalog.export())
        return
    if found != source.catalog.installation.id:
        raise NotEmpty(
            "copy catalogue", str(found), "the target belongs to this other installation", hint="empty it"
        )
    await target.start()
    async for material in source.catalog.materials():
        await target.add_material(material)


async def _installation(catalog: Catalog) -> str | None:
    """Whose catalogue this is, without making it anybody's."""
    try:
        async with aclosing(catalog.export()) as pages:
            async for name, rows in pages:
                if name == "installation":
                    return str(rows[0]["id"])
    except Unavailable:
        return None  # no tables; where the database is away, the import will say so
    return None
