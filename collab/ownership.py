"""Whose client ids are whose in one room. Pure.

A person is known under the client id of its presence entry, and owns that id for good once it was the first
to write under it. While it is here under its id, nobody else's new structs for that id are taken; while it is
not, they are, since browsers pass on what others wrote. Ids without an owner are held by who shows them,
while nobody has written under them: nobody can block the id of one who shows no presence by showing it.
"""

from collections.abc import Collection, Container, Mapping

import msgpack  # type: ignore[import-untyped]

from collab.company import Company
from collab.member import Member

_MARK = b"\x02"  # of the message to other nodes; collab.peers has the others


class Ownership:
    """The client ids of one room; `clocks` is its document's state vector.

    Attributes:
        claims: owners that the catalogue has not confirmed yet. Whoever confirms them takes them out.
    """

    def __init__(self, company: Company, clocks: Mapping[int, int]) -> None:
        self.claims: dict[int, str] = {}
        self._company = company
        self._clocks = clocks
        self._owners: dict[int, str] = {}

    def wrote(self, member: Member, clients: Collection[int]) -> None:
        """`member` sent new structs of `clients`. Others' ids that it passes on stay without an owner."""
        if member.identity is None:
            return
        for client in clients:
            if client not in self._owners and self._company.presence.client_of(member) == client:
                self._owners[client] = self.claims[client] = member.identity.subject

    def learn(self, owners: Mapping[int, str]) -> None:
        """Take over what the catalogue says."""
        self._owners |= owners

    def hear(self, message: bytes) -> bool:
        """Learn of what another node claimed; tells whether `message` is of that kind."""
        if message[:1] != _MARK:
            return False
        try:
            told = dict(msgpack.unpackb(message[1:]))
        except (ValueError, TypeError):
            return True  # a lost message does no harm
        self.learn({client: owner for client, owner in told.items() if _is_claim(client, owner)})
        return True

    def usurped(self, member: Member) -> int | None:
        """The client id that `member` shows although somebody else owns it."""
        client = self._company.presence.client_of(member)
        if client is None or member.identity is None:
            return None
        return (
            client if self._owners.get(client, member.identity.subject) != member.identity.subject else None
        )

    def held(self, member: Member) -> Container[int]:
        """Client ids whose new structs are another person's to send."""
        return _Held(self, member) if member.identity is not None else ()

    def holds(self, client: int, member: Member) -> bool:
        """Whether the new structs of `client` are the business of somebody other than `member`."""
        here = self._company.presence.owner_of(client)
        if here is None or here is member or here.identity is None or not here.writes:
            return False
        if member.identity is not None and here.identity.subject == member.identity.subject:
            return False
        owner = self._owners.get(client)
        if owner is not None:
            return bool(owner == here.identity.subject)
        return self._company.has_written(here, client) or client not in self._clocks


class _Held:
    """The client ids that a member may not extend now."""

    __slots__ = ("_member", "_ownership")

    def __init__(self, ownership: Ownership, member: Member) -> None:
        self._ownership = ownership
        self._member = member

    def __contains__(self, client: object) -> bool:
        return isinstance(client, int) and self._ownership.holds(client, self._member)


def encode_claims(owners: Mapping[int, str]) -> bytes:
    """The message that tells other nodes of the owners of client ids."""
    packed: bytes = msgpack.packb(list(owners.items()))
    return _MARK + packed


def _is_claim(client: object, owner: object) -> bool:
    return isinstance(client, int) and isinstance(owner, str)
