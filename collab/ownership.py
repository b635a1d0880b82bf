"""Whose client ids are whose, among those who are here. Pure.

A person is known under the client id of its presence entry. It owns that id once it has written under it, or
while nobody has: so nobody can block the id of one who shows no presence by showing it.
"""

from collections.abc import Collection, Container, Mapping

from collab.member import Member
from collab.presence import Presence


class Ownership:
    """The client ids of one room; `clocks` is its document's state vector."""

    def __init__(self, presence: Presence, clocks: Mapping[int, int]) -> None:
        self._presence = presence
        self._clocks = clocks
        self._writers: dict[int, Member] = {}  # by client id, members who wrote under their presence's id

    def wrote(self, member: Member, clients: Collection[int]) -> None:
        """`member` sent new structs of `clients`."""
        own = self._presence.client_of(member)
        if own is not None and own in clients:
            self._writers[own] = member

    def left(self, member: Member) -> None:
        """`member` is gone."""
        self._writers = {client: writer for client, writer in self._writers.items() if writer is not member}

    def held(self, member: Member) -> Container[int]:
        """Client ids whose new structs are another person's to send."""
        return _Held(self, member) if member.identity is not None else ()

    def holds(self, client: int, member: Member) -> bool:
        """Whether the new structs of `client` are the business of somebody other than `member`."""
        owner = self._presence.owner_of(client)
        if owner is None or owner is member or owner.identity is None or not owner.writes:
            return False
        if member.identity is not None and owner.identity.subject == member.identity.subject:
            return False
        return self._writers.get(client) is owner or client not in self._clocks


class _Held:
    """The client ids that a member may not extend now."""

    __slots__ = ("_member", "_ownership")

    def __init__(self, ownership: Ownership, member: Member) -> None:
        self._ownership = ownership
        self._member = member

    def __contains__(self, client: object) -> bool:
        return isinstance(client, int) and self._ownership.holds(client, self._member)
