"""What the routes of tabs, materials and sharing take and give."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from collab.api.dependencies import Storable
from collab.auth.grants import Role
from collab.materials.kinds import Kind
from storage.catalog.shares import Item, Tab

Title = Annotated[Storable, StringConstraints(strip_whitespace=True, max_length=200)]
Colour = Annotated[Storable, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6}|[a-z]{0,20})$")]
"""`#rrggbb`, a name, or "" for none."""
Id = Annotated[Storable, StringConstraints(min_length=1, max_length=255)]
Time = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Unix milliseconds."""


class Body(BaseModel):
    """Body of a request."""

    model_config = ConfigDict(extra="forbid")


class Order(Body):
    """The wanted order of tabs or materials; those not named keep their places."""

    ids: Annotated[list[Id], Field(max_length=500)]


class TabView(BaseModel):
    """A tab."""

    id: str
    owner: str
    title: str
    colour: str
    position: int
    created: int
    trashed: int | None = None
    role: Role | None = None
    """What the caller is there; null in lists of its own."""


class MaterialView(BaseModel):
    """A material."""

    id: str
    kind: Kind | None
    title: str
    owner: str | None
    tab: str | None
    position: int
    created: int
    changed: int
    trashed: int | None = None
    frozen: str = ""
    role: Role | None = None
    """What the caller is there; null in lists."""


def tab_view(tab: Tab, role: Role | None = None) -> TabView:
    """`tab` as its caller sees it."""
    return TabView(
        id=tab.id,
        owner=tab.owner,
        title=tab.title,
        colour=tab.colour,
        position=tab.position,
        created=tab.created,
        trashed=tab.trashed,
        role=role,
    )


def material_view(item: Item, role: Role | None = None) -> MaterialView:
    """`item` as its caller sees it."""
    return MaterialView(
        id=item.id,
        kind=next((kind for kind in Kind if kind == item.kind), None),
        title=item.title,
        owner=item.owner,
        tab=item.tab,
        position=item.position,
        created=item.created,
        changed=item.changed,
        trashed=item.trashed,
        frozen=item.frozen,
        role=role,
    )
