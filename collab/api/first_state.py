"""A material's document as it begins."""

from typing import Annotated

from pycrdt import Map, Text, XmlElement, XmlFragment
from pydantic import BaseModel, ConfigDict, StringConstraints

from collab.api.dependencies import Storable
from collab.auth.grants import Grant, Role
from collab.hub import Hub
from collab.materials.kinds import SCHEMA, Kind
from collab.participant import Participant

SERVER = Grant(subject="server", name="StudyHub", role=Role.OWNER)
"""Who writes what the server writes."""


class NewMaterial(BaseModel):
    """What a new material is."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    title: Annotated[Storable, StringConstraints(strip_whitespace=True, max_length=200)] = ""


async def write_first_state(hub: Hub, material: str, body: NewMaterial) -> None:
    """Everything that clients could otherwise create twice is written once, by the server."""
    room = await hub.open(material, create=True)
    async with await Participant.join(room, SERVER) as participant:
        with participant.edit() as doc:
            meta = doc.get("meta", type=Map)
            meta["schema"] = SCHEMA
            meta["kind"] = body.kind.value
            meta["title"] = Text(body.title)
            if body.kind is Kind.GUIDE:
                doc.get("body", type=XmlFragment).children.append(XmlElement("paragraph"))
        await participant.saved()
