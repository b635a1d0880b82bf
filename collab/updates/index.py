"""In which list each unit of a document lies, and which list each type holds.

A list is what items are neighbours in: the content of a root type or of a type item, or the entries of one
key in either. An item tells its list by its neighbours; where these lie in different lists, yrs 0.28 loses
track of an item and reads freed memory later. The bytes of an update do not show that, so the gate looks it
up here, as well as how deep a list lies and where surrogate pairs are.

What was garbage collected has lost its list and is taken for a member of any. yrs puts what lies beside it
into the list of the other neighbour, or collects it too.
"""

from array import array
from bisect import bisect_right

from collab.updates.admission import Admission
from collab.updates.surrogates import SurrogatePairs

ANY = 0
"""The number of the list of what was garbage collected, and of the list that it held."""

NONE = 1
"""The number that stands for no list: what text and values hold, and where root types lie."""


class Runs:
    """The units of one client from some clock on, in runs of equal ones: 12 bytes for each run."""

    __slots__ = ("_held", "_lists", "_starts")

    def __init__(self) -> None:
        # By run: its first clock, the list that its units lie in, the list that they hold.
        self._starts = array("I")
        self._lists = array("I")
        self._held = array("I")

    def add(self, start: int, place: int, held: int) -> None:
        """The units from the clock `start` on, which is the highest yet, lie in `place` and hold `held`."""
        lists = self._lists
        if lists and lists[-1] == place and self._held[-1] == held:
            return
        self._starts.append(start)
        lists.append(place)
        self._held.append(held)

    def list_at(self, clock: int) -> int:
        """The list that the unit `clock` lies in."""
        at = bisect_right(self._starts, clock)
        return self._lists[at - 1] if at else ANY

    def held_at(self, clock: int) -> int:
        """The list that the unit `clock` holds."""
        at = bisect_right(self._starts, clock)
        return self._held[at - 1] if at else ANY

    def copy(self) -> "Runs":
        """The same runs, to be changed apart from these."""
        runs = Runs()
        runs._starts, runs._lists, runs._held = self._starts[:], self._lists[:], self._held[:]
        return runs


class Index:
    """The lists of one document by number. Like the state vector it learns of each update that is applied.

    Attributes:
        depths: by list, how many types lie around it.
        pairs: the surrogate pairs of the document's text.
    """

    __slots__ = ("_named", "_runs", "depths", "pairs")

    def __init__(self) -> None:
        self.depths = array("B", (0, 0))  # of ANY and NONE
        self.pairs = SurrogatePairs()
        self._runs: dict[int, Runs] = {}  # by client
        # By the list around it and its name: in NONE the root types, in others the entries of a key.
        self._named: dict[tuple[int, str], int] = {}

    def list_at(self, client: int, clock: int) -> int:
        """The list that a known unit lies in."""
        runs = self._runs.get(client)
        return runs.list_at(clock) if runs else ANY

    def held_at(self, client: int, clock: int) -> int:
        """The list that a known unit holds: NONE unless it is a type, ANY if it was one."""
        runs = self._runs.get(client)
        return runs.held_at(clock) if runs else ANY

    def named(self, around: int, name: str) -> int | None:
        """The list of the root type `name` (`around` is NONE), or of the entries of a key in `around`."""
        return self._named.get((around, name))

    def learn(self, admission: Admission) -> None:
        """Take in what was applied. `admission` was made with this index, or with a copy of it earlier."""
        base = admission.base
        numbers: list[int] = []  # of the admission's new lists; others may have come first
        for around, name in admission.lists:
            numbers.append(self._number(around if around < base else numbers[around - base], name))
        for client, start, place, held in admission.runs:
            runs = self._runs.get(client)
            if runs is None:
                runs = self._runs[client] = Runs()
            runs.add(
                start,
                place if place < base else numbers[place - base],
                held if held < base else numbers[held - base],
            )
        if admission.lows:
            self.pairs.learn(admission.lows)

    def copy(self) -> "Index":
        """The same index, to be sent to a worker while this one learns."""
        index = Index()
        index.depths, index.pairs = self.depths[:], self.pairs.copy()
        index._runs = {client: runs.copy() for client, runs in self._runs.items()}
        index._named = dict(self._named)
        return index

    def _number(self, around: int, name: str | None) -> int:
        """The list `name` in `around`, or a new one for a type that lies in `around`."""
        number = None if name is None else self._named.get((around, name))
        if number is None:
            number = len(self.depths)
            self.depths.append(self.depths[around] + (name is None))
            if name is not None:
                self._named[around, name] = number
        return number
