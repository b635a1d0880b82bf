"""What one update adds to the index of a document, and the checks that need both."""

from bisect import bisect_right

from collab.updates.admission import NewList, Run
from collab.updates.content import DELETED, GC, MAX_DEPTH, TYPE
from collab.updates.errors import InvalidUpdate
from collab.updates.index import ANY, NONE, Index
from collab.updates.structs import Id, Struct


class Draft:
    """An index together with the new units of one update, which it does not know yet.

    Attributes:
        base: how many lists the index has; new ones are numbered from here.
        lists: the new lists.
        lows: second halves of surrogate pairs in new text, by client and clock.
    """

    def __init__(self, index: Index) -> None:
        self.base = len(index.depths)
        self.lists: list[NewList] = []
        self.lows: dict[Id, None] = {}
        self._index = index
        self._depths: list[int] = []  # of the new lists
        self._named: dict[tuple[int, str], int] = {}  # the new ones among the lists with a name
        self._runs: dict[int, tuple[list[int], list[Run]]] = {}  # by client: first clocks, runs
        self._has_pairs = bool(index.pairs)

    def runs(self) -> tuple[Run, ...]:
        """The new units."""
        return tuple([run for _, runs in self._runs.values() for run in runs])

    def add(self, client: int, known: int, struct: Struct) -> None:
        """Add the units of `struct` from the clock `known` on. Raises InvalidUpdate.

        All that it refers to must be there.
        """
        place = ANY if struct.kind == GC else self._place(client, known, struct)
        if place == ANY or struct.kind == DELETED:
            held = ANY
        elif struct.kind == TYPE:
            held = self._new(place, None)
        else:
            held = NONE
        self._note((client, known, place, held))
        if struct.lows:
            if known in struct.lows:
                raise InvalidUpdate("surrogate")
            self.lows.update(dict.fromkeys([(client, low) for low in struct.lows if low > known]))
            self._has_pairs = True
        if self._has_pairs:
            self._check_cuts(struct)

    def check_cut(self, client: int, clock: int) -> None:
        """Raise InvalidUpdate if the gap before `clock` of `client` is inside a surrogate pair."""
        if (client, clock) in self.lows or self._index.pairs.splits(client, clock):
            raise InvalidUpdate("surrogate")

    def _check_cuts(self, struct: Struct) -> None:
        if struct.origin:
            self.check_cut(struct.origin[0], struct.origin[1] + 1)
        if struct.right:
            self.check_cut(*struct.right)

    def _place(self, client: int, known: int, struct: Struct) -> int:
        """The one list in which an item and its neighbours lie."""
        origin, right = struct.origin, struct.right
        if origin:
            place = self._list_at(*origin)
            if right:
                place = _agreed(place, self._list_at(*right))
        elif right:
            place = self._list_at(*right)
        else:
            place = self._told(struct)
        if known > struct.clock:
            # The rest of a known item: yrs puts it behind that.
            place = _agreed(place, self._list_at(client, known - 1))
        return place

    def _told(self, struct: Struct) -> int:
        """The list of an item without neighbours, which names it."""
        if struct.parent is None:
            held = self._find(NONE, struct.root)
        else:
            held = self._held_at(*struct.parent)
            if held == NONE:
                raise InvalidUpdate("parent")
        return held if struct.key is None or held == ANY else self._find(held, struct.key)

    def _note(self, run: Run) -> None:
        """Add a run, or lengthen the last one of its client."""
        client, start, place, held = run
        mine = self._runs.get(client)
        if mine is None:
            self._runs[client] = [start], [run]
        elif mine[1][-1][2:] != (place, held):
            mine[0].append(start)
            mine[1].append(run)

    def _run(self, client: int, clock: int) -> Run | None:
        """The run of a new unit; None for a known one."""
        mine = self._runs.get(client)
        at = bisect_right(mine[0], clock) if mine else 0
        return mine[1][at - 1] if mine and at else None

    def _list_at(self, client: int, clock: int) -> int:
        run = self._run(client, clock)
        return run[2] if run else self._index.list_at(client, clock)

    def _held_at(self, client: int, clock: int) -> int:
        run = self._run(client, clock)
        return run[3] if run else self._index.held_at(client, clock)

    def _find(self, around: int, name: str) -> int:
        number = self._index.named(around, name) or self._named.get((around, name))
        if number is None:
            number = self._named[around, name] = self._new(around, name)
        return number

    def _new(self, around: int, name: str | None) -> int:
        """A new list in `around`: of the type that holds it, or with a name."""
        index, base = self._index, self.base
        depth = index.depths[around] if around < base else self._depths[around - base]
        if name is None:
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidUpdate("depth")
        self.lists.append((around, name))
        self._depths.append(depth)
        return base + len(self._depths) - 1


def _agreed(one: int, other: int) -> int:
    """The list that two neighbours lie in."""
    if one == other or other == ANY:
        return one
    if one == ANY:
        return other
    raise InvalidUpdate("place")
