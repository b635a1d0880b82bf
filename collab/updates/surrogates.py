"""Characters that take two clock units, which nothing may come between.

Yjs counts text in UTF-16 units, so a character beyond U+FFFF is a surrogate pair. Where an insertion or a
deletion splits one, yrs 0.28 keeps the whole character in one half and nothing in the other, and the
document that it encodes afterwards has wrong clocks: nobody can load it again. Editors move by whole
characters, so the gate refuses what splits one; for that it must know where they are.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable

_PAIR = re.compile("[\U00010000-\U0010ffff]")

MIN_BYTES = 2
"""A surrogate pair takes at least this many more bytes in UTF-8 than it has units."""


def low_halves(text: str) -> tuple[int, ...]:
    """The UTF-16 offsets of all second halves of surrogate pairs in `text`, ascending."""
    return tuple([match.start() + pairs + 1 for pairs, match in enumerate(_PAIR.finditer(text))])


class SurrogatePairs:
    """Where the surrogate pairs of one document are: 4 bytes for each.

    Like the state vector it goes with one document and learns of each update that is applied. Deleted text
    may stay in it, which only refuses what no editor does.
    """

    __slots__ = ("_lows",)

    def __init__(self) -> None:
        # By client, the clocks of second halves, ascending: a client's clocks only grow.
        self._lows: dict[int, array[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._lows)

    def learn(self, lows: Iterable[tuple[int, int]]) -> None:
        """Add second halves, by client and clock; each client's ascending and above what is known."""
        for client, clock in lows:
            known = self._lows.setdefault(client, array("I"))
            if not known or clock > known[-1]:
                known.append(clock)

    def splits(self, client: int, clock: int) -> bool:
        """Whether the gap before `clock` of `client` is inside a pair."""
        lows = self._lows.get(client)
        if lows is None:
            return False
        at = bisect_left(lows, clock)
        return at < len(lows) and lows[at] == clock

    def copy(self) -> "SurrogatePairs":
        """The same pairs, to be changed apart from these."""
        pairs = SurrogatePairs()
        pairs._lows = {client: lows[:] for client, lows in self._lows.items()}
        return pairs
