"""What people own and share, as callers of the catalogue see it. Pure; no import of the database's packages.

Times are Unix milliseconds. Roles are words to the catalogue; it gives none of them a meaning.
"""

from dataclasses import dataclass
from enum import StrEnum

CHAT = "chat"
"""Scope of a block that mutes a person in the chat of a material, and takes nothing else."""

EVERYBODY = "*"
"""As the user of a CHAT block: the chat is closed to all."""


class Scope(StrEnum):
    """What can be shared."""

    TAB = "tab"
    MATERIAL = "material"


class Kind(StrEnum):
    """To whom a grant is given."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Tab:
    """A group of materials, shared as a whole or one by one."""

    id: str
    owner: str
    title: str
    colour: str
    position: int
    """Place among the owner's tabs, ascending; equal ones by id."""
    created: int
    trashed: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A material as its owner's shelf holds it."""

    id: str
    kind: str | None
    title: str
    created: int
    created_by: str
    owner: str | None
    """None: whoever has a share link of the old form has what it says."""
    tab: str | None
    position: int
    changed: int
    """When its row was changed."""
    trashed: int | None = None
    frozen: str = ""
    """Why nobody may write; "" lets them."""


@dataclass(frozen=True, slots=True)
class Share:
    """A role given to a person or a group, on a tab or a material."""

    id: str
    scope: Scope
    target: str
    grantee_kind: Kind
    grantee: str
    role: str
    created: int
    created_by: str
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A role for whoever has the link."""

    id: str
    scope: Scope
    target: str
    role: str
    label: str
    created: int
    created_by: str
    expires: int | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """People who are given roles together, as a class is."""

    id: str
    owner: str
    name: str
    code: str | None
    """Who knows it may join; None: nobody may."""
    created: int


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One person in a group, under the name that the group knows."""

    user: str
    joined: int
    display_name: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for access: a person, the link that it came by, and the login that its token rests on."""

    subject: str
    link: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One role that somebody holds, until `expires`."""

    role: str
    expires: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """A material or tab that has an owner, and what some visitors hold there.

    Attributes:
        tab: of the material, or the tab's own id.
        trashed: whether it, or its tab, is in the trash.
        users: roles by person, given to it or to a group of it.
        links: roles by link id, without revoked links.
        barred: people who are blocked here.
        closed: people whose account is closed.
        logins: those of the logins asked for that have neither ended nor been revoked.
    """

    owner: str
    tab: str | None
    trashed: bool
    frozen: str
    users: dict[str, list[Held]]
    links: dict[str, list[Held]]
    barred: set[str]
    closed: set[str]
    logins: set[str]
