"""What nodes tell each other about access: that something changed, never what it is now.

Whoever hears it asks the catalogue. A notice may be lost; so sessions are looked at now and then anyway.
"""

from collections.abc import Callable
from enum import StrEnum

import msgpack  # type: ignore[import-untyped]

from storage.base import Bus
from storage.catalog.shares import Scope

_TOPIC = "\0access"  # no material has this id

Listener = Callable[["Change", str], None]


class Change(StrEnum):
    """What a change of access concerns."""

    MATERIAL = "material"
    TAB = "tab"
    SUBJECT = "subject"
    """One person, wherever it is."""
    LOGIN = "login"
    """A login has ended."""

    @classmethod
    def of(cls, scope: Scope) -> "Change":
        """The change of something of this scope."""
        return cls(scope.value)


class Notices:
    """The notices of all nodes, this one's among them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._listener: Listener | None = None

    def tell(self, change: Change, *targets: str) -> None:
        """Something changed for each of `targets`; call it once the change is committed. Returns at once."""
        for target in targets:
            self._bus.publish(_TOPIC, msgpack.packb((change.value, target)))
            if self._listener is not None:
                self._listener(change, target)

    async def listen(self, listener: Listener) -> None:
        """Call `listener` with every notice from now on. Raises Unavailable."""
        await self._bus.subscribe(_TOPIC, self._hear)
        self._listener = listener

    def _hear(self, _node: str, message: bytes) -> None:
        try:
            change, target = msgpack.unpackb(message)
            known = Change(change)
        except (ValueError, TypeError):
            return  # of a node of another version
        if self._listener is not None and isinstance(target, str):
            self._listener(known, target)
