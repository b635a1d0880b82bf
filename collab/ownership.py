"""Whose client ids are whose, among those who are here. Pure.

A person is known under the client id of its presence entry. It owns that id once it has written under it, or
while nobody has: so nobody can block the id of one who shows no presence by showing it.
"""

from collections.abc import Container, Mapping

from collab.company import Company
from collab.member import Member


class Ownership:
    """The client ids of one room; `clocks` is its document's state vector."""

    def __init__(self, company: Company, clocks: Mapping[int, int]) -> None:
        self._company = company
        self._clocks = clocks

    def held(self, member: Member) -> Container[int]:
        """Client ids whose new structs are another person's to send."""
        return _Held(self, member) if member.identity is not None else ()

    def holds(self, client: int, member: Member) -> bool:
        """Whether the new structs of `client` are the business of somebody other than `member`."""
        owner = self._company.presence.owner_of(client)
        if owner is None or owner is member or owner.identity is None or not owner.writes:
            return False
        if member.identity is not None and owner.identity.subject == member.identity.subject:
            return False
        return self._company.has_written(owner, client) or client not in self._clocks


class _Held:
    """The client ids that a member may not extend now."""

    __slots__ = ("_member", "_ownership")

    def __init__(self, ownership: Ownership, member: Member) -> None:
        self._ownership = ownership
        self._member = member

    def __contains__(self, client: object) -> bool:
        return isinstance(client, int) and self._ownership.holds(client, self._member)
