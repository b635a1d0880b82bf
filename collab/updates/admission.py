"""What the gate answers."""

from collections.abc import Mapping
from typing import NamedTuple

from collab.updates.structs import Id

NewList = tuple[int, str | None]
"""The list around it, and the name of a root type or key; None for the list that a type holds."""

Run = tuple[int, int, int, int]
"""Client, first clock, list, held list: of units up to the client's next run or clock."""


class Admission(NamedTuple):
    """What may go into the document now, and what must wait.

    Plain values, so that it can come back from a worker process, made with clocks that are behind the
    document's by then. Clocks only grow, so what was known still is: `ready` has all that it needs, and
    `parked` at worst holds something that is ready by now, which the next `admit` finds. Only a client
    whose clock was to be extended and has moved meanwhile calls for a new `admit`: see `outdated`.
    """

    ready: bytes | None
    """An update that pycrdt can apply whole and in order; the very object given, if that is all ready."""

    parked: bytes | None
    """The rest, an update to admit again later; without Skips at its ends, which stand for nothing."""

    clocks: dict[int, int]
    """The next clock of each client that `ready` extends."""

    base: int
    """How many lists the index had. The new ones are numbered from here."""

    lists: tuple[NewList, ...]
    """The new lists in `ready`."""

    runs: tuple[Run, ...]
    """The new units in `ready`, each client's ascending."""

    lows: tuple[Id, ...]
    """The second halves of surrogate pairs in the new text of `ready`, each client's ascending."""

    def outdated(self, then: Mapping[int, int], now: Mapping[int, int]) -> bool:
        """Whether a client that this extends has got further between the state vectors `then` and `now`.

        Its structs would go in from the middle, unchecked, and may be another session's by now.
        """
        return any(then.get(client, 0) != now.get(client, 0) for client in self.clocks)
