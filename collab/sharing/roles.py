"""What each role may do. Pure. Whatever is not named here is denied."""

from collections.abc import Iterable
from enum import StrEnum

from collab.auth.grants import Role

RANKS = (Role.TAKER, Role.VIEWER, Role.COMMENTER, Role.EDITOR, Role.OWNER)
"""Ascending: each role may do what those before it may."""

GIVABLE = frozenset(RANKS) - {Role.OWNER}
"""Roles that can be given away; an owner is what its material says."""


class Action(StrEnum):
    """What somebody may want to do with a material or tab."""

    TAKE = "take"
    """Know of it, and take the test that it is."""
    READ = "read"
    COPY = "copy"
    COMMENT = "comment"
    """Comment, reply, resolve and suggest."""
    WRITE = "write"
    RENAME = "rename"
    ADD = "add"
    """Put new materials into a tab."""
    ORGANISE = "organise"
    """Move, order and colour."""
    SHARE = "share"
    MODERATE = "moderate"
    """Remove, block, freeze and mute."""
    DELETE = "delete"
    """Put it into the trash, take it out, purge it."""


class GroupAction(StrEnum):
    """What somebody may want to do with a group."""

    SEE = "see_group"
    """For its members."""
    MANAGE = "manage_group"
    """For its owner."""


_OWN: dict[Role, frozenset[Action]] = {
    Role.TAKER: frozenset({Action.TAKE}),
    Role.VIEWER: frozenset({Action.READ, Action.COPY}),
    Role.COMMENTER: frozenset({Action.COMMENT}),
    Role.EDITOR: frozenset({Action.WRITE, Action.RENAME, Action.ADD}),
    Role.OWNER: frozenset({Action.ORGANISE, Action.SHARE, Action.MODERATE, Action.DELETE}),
}

PASSIVE = frozenset({Action.TAKE, Action.READ, Action.COPY})
"""What a frozen material leaves to everybody; its owner keeps what is its own, but does not write either."""

_FROZEN_OWNER = PASSIVE | _OWN[Role.OWNER]


def highest(roles: Iterable[Role]) -> Role | None:
    """The role that counts among several; None for none."""
    return max(roles, key=RANKS.index, default=None)


def allows(role: Role, action: StrEnum, *, frozen: bool = False) -> bool:
    """Whether `role` may do `action`, on a material that may be frozen."""
    may = any(action in _OWN[lower] for lower in RANKS[: RANKS.index(role) + 1])
    return may and (not frozen or action in (_FROZEN_OWNER if role is Role.OWNER else PASSIVE))


def on_the_wire(role: Role, *, frozen: bool) -> Role:
    """The role of a session: in a frozen material nobody writes."""
    return Role.VIEWER if frozen and role.writes else role
