"""Members whose updates rest on others that have not come yet."""

import asyncio

from collab.member import Member

_FACTOR = 20.0  # updates are tried again after this multiple of what trying them cost


class Parking:
    """Tells members when what they have parked may be ready."""

    def __init__(self) -> None:
        self._members: dict[Member, None] = {}
        self._loop = asyncio.get_running_loop()
        self._scheduled = False
        self._next = 0.0  # event-loop time before which nothing is tried

    def put(self, member: Member, *, on: bool) -> None:
        """Tell `member` from now on; or no longer."""
        if on:
            self._members[member] = None
        else:
            self._members.pop(member, None)

    def clear(self) -> None:
        """Tell nobody."""
        self._members.clear()

    def recheck(self) -> None:
        """Something has come that others may rest on."""
        if self._members and not self._scheduled:
            self._scheduled = True
            self._loop.call_at(max(self._next, self._loop.time()), self._recheck)

    def _recheck(self) -> None:
        """Try what is parked; what that costs is at most a small share of the loop's time."""
        self._scheduled = False
        started = self._loop.time()
        for member in list(self._members):
            if member in self._members:  # not if the one before it has ended the room
                member.recheck()
        now = self._loop.time()
        self._next = now + _FACTOR * (now - started)
