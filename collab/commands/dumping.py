"""`studyhub dump`."""

from collab.commands.places import opened, run
from collab.document import EMPTY_STATE_VECTOR, Document
from collab.errors import Poisoned, StartError
from collab.settings import Settings
from storage.loader import load


def dump_command(settings: Settings, material: str) -> bytes:
    """The document as one Yjs update (V1)."""
    return run(f"dump {material!r}", _dump(settings, material))


async def _dump(settings: Settings, material: str) -> bytes:
    async with opened(settings, alone=False, catalog=False) as backends:
        loaded = await load(material, backends.log, backends.objects)
    if not loaded.exists:
        raise StartError("there is no such material")
    document = Document()
    try:
        document.load(loaded.updates)
    except Poisoned as error:
        raise StartError(str(error)) from error
    return document.diff(EMPTY_STATE_VECTOR)
