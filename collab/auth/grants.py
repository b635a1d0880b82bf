"""Who may do what on which material until when."""

from dataclasses import dataclass
from enum import StrEnum

EVERY_MATERIAL = "*"


class Role(StrEnum):
    """What a person is on a material."""

    OWNER = "owner"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"
    TAKER = "taker"

    @property
    def writes(self) -> bool:
        """Whether updates of this role are accepted on the wire."""
        return self in (Role.OWNER, Role.EDITOR)


@dataclass(frozen=True, slots=True)
class Grant:
    """One person's right on one material.

    Attributes:
        subject: the person's stable id; the author of its parts in the log.
        expires: Unix time in seconds, or None for a grant that does not expire.
        create: whether opening an absent material creates it.
        named: whether the server vouches for subject and name, and so stamps them into presence.
    """

    subject: str
    name: str
    role: Role
    expires: float | None = None
    create: bool = False
    named: bool = True


ANONYMOUS = Grant(subject="anonymous", name="", role=Role.EDITOR, create=True, named=False)
"""What everybody has with `STUDYHUB_AUTH=none`."""
