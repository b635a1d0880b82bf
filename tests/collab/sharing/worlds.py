"""Random states of sharing, and a model that answers by looking at every row in turn."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from collab.auth.grants import Role
from storage.catalog.shares import Kind, Link, Scope, Share

NOW = 1000
PEOPLE = ("ann", "bob", "cid")
GROUPS = ("g", "h")
MATERIALS = {"m": "t", "n": "t", "o": "u", "p": None}
"""Each material's tab."""
TARGETS = [(Scope.MATERIAL, id) for id in MATERIALS] + [(Scope.TAB, id) for id in ("t", "u")]
RANK = {"taker": 1, "viewer": 2, "commenter": 3, "editor": 4, "owner": 5}


@dataclass
class World:
    """Everything that decides who may do what."""

    owner: str = "ann"
    shares: list[Share] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    members: set[tuple[str, str]] = field(default_factory=set)
    blocks: set[tuple[Scope, str, str]] = field(default_factory=set)
    trashed: set[tuple[Scope, str]] = field(default_factory=set)

    def role(self, person: str, link: str, material: str) -> str | None:
        """What the product must say: deny by default, the highest role wins."""
        here = [(Scope.MATERIAL, material), (Scope.TAB, MATERIALS[material])]
        if any(place in self.trashed for place in here):
            return None
        if person == self.owner:
            return "owner"
        if any((*place, person) in self.blocks for place in here):
            return None
        names = {(Kind.USER, person)} | {(Kind.GROUP, group) for group, who in self.members if who == person}
        found = [
            share.role
            for share in self.shares
            if (share.scope, share.target) in here
            and (share.grantee_kind, share.grantee) in names
            and (share.expires is None or share.expires > NOW)
        ]
        found += [
            one.role
            for one in self.links
            if one.id == link
            and (one.scope, one.target) in here
            and one.revoked is None
            and (one.expires is None or one.expires > NOW)
        ]
        return max(found, key=RANK.__getitem__, default=None)


_ROLES = st.sampled_from([role.value for role in Role if role is not Role.OWNER])
_EXPIRES = st.sampled_from([None, None, NOW - 1, NOW, NOW + 1])
_GRANTEES = st.sampled_from(
    [(Kind.USER, who) for who in PEOPLE] + [(Kind.GROUP, who) for who in (*GROUPS, "ann")]
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any world that the catalogue can hold."""
    keys = draw(st.lists(st.tuples(st.sampled_from(TARGETS), _GRANTEES), max_size=8, unique=True))
    shares = [
        Share(f"s{n}", *target, *grantee, draw(_ROLES), 1, "ann", draw(_EXPIRES))
        for n, (target, grantee) in enumerate(keys)
    ]
    links = [
        Link(
            f"l{n}",
            *target,
            draw(_ROLES),
            "",
            1,
            "ann",
            draw(_EXPIRES),
            draw(st.sampled_from([None, None, 5])),
        )
        for n, target in enumerate(draw(st.lists(st.sampled_from(TARGETS), max_size=4)))
    ]
    pairs = st.tuples(st.sampled_from(GROUPS), st.sampled_from(PEOPLE))
    blocked = st.sampled_from([(*target, who) for target in TARGETS for who in PEOPLE])
    return World(
        owner=draw(st.sampled_from(["ann", "zoe"])),
        shares=shares,
        links=links,
        members=draw(st.sets(pairs, max_size=4)),
        blocks=draw(st.sets(blocked, max_size=3)),
        trashed=draw(st.sets(st.sampled_from(TARGETS), max_size=1)),
    )
