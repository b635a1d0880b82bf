"""How deep types lie in one another, kept below the depth that overflows pycrdt's stack.

Only a type with an explicit parent can lie deeper than what was there: one put next to other content lies
as deep as that. So an upper bound follows each update without parsing the document, and the document is
measured only when a bound has grown too great.
"""

from collections.abc import Mapping

from collab.updates.admission import Admission, TypeItem
from collab.updates.content import MAX_DEPTH
from collab.updates.structs import Id, nesting, parse

MAX_TRACKED = 10_000
"""Types remembered since the last measurement; bounds the memory of one document to about 2 MB."""


def measure_depth(update: bytes) -> int:
    """How many types lie in one another at the deepest place of `update`; 0 where it has no types.

    The root types are not counted. For a document's full state this is exact. Parses the whole update, in
    a worker process if it is large. Raises InvalidUpdate, also for a depth above MAX_DEPTH.
    """
    return nesting(parse(update).blocks)


class Depths:
    """Upper bounds of the depth of one document's types.

    Every update must pass `admits` before it is applied, the server's own edits too. Where the answer is
    False, the caller merges the document's state with what is ready and measures that: `measure_depth`
    raises InvalidUpdate if it is really too deep; otherwise `measured` and apply it.
    """

    def __init__(self) -> None:
        # Depth of the document when it was measured. Until then only the limit itself is known.
        self._base = MAX_DEPTH
        # State vector of what was measured.
        self._measured: Mapping[int, int] = {}
        # Bounds of the types that came since.
        self._bounds: dict[Id, int] = {}
        # The greatest of all of these: nothing in the document is deeper.
        self._deepest = MAX_DEPTH

    def admits(self, admission: Admission) -> bool:
        """Whether the document surely stays within MAX_DEPTH types; False means measure."""
        if not admission.types:
            return True
        if len(self._bounds) + len(admission.types) > MAX_TRACKED:
            return False
        bounds = self._follow(admission.types)
        if max(bounds.values()) > MAX_DEPTH:
            return False
        self._bounds.update(bounds)
        self._deepest = max(self._deepest, *bounds.values())
        return True

    def measured(self, depth: int, clocks: Mapping[int, int]) -> None:
        """The document is exactly `depth` deep as far as the state vector `clocks`.

        What was admitted beyond `clocks`, while the measurement ran, keeps its bounds.
        """
        self._base = depth
        self._measured = clocks
        self._bounds = {id: bound for id, bound in self._bounds.items() if id[1] >= clocks.get(id[0], 0)}
        self._deepest = max(depth, *self._bounds.values(), 0)

    def _follow(self, types: tuple[TypeItem, ...]) -> dict[Id, int]:
        """The bounds of `types`, which refer to what is known or to earlier ones of them."""
        bounds: dict[Id, int] = {}
        deepest = self._deepest
        for id, sibling, parent in types:
            ref = sibling or parent
            bound = 1
            if ref:
                place = bounds.get(ref) or self._bounds.get(ref)
                bound = self._beyond(ref, deepest) if place is None else place + (sibling is None)
            # A stale admission may name a known id again, and falsely.
            bounds[id] = bound = max(bound, self._bounds.get(id, 0))
            deepest = max(deepest, bound)
        return bounds

    def _beyond(self, ref: Id, deepest: int) -> int:
        """The bound of a type in or next to something that is not remembered."""
        if ref[1] < self._measured.get(ref[0], 0):
            return self._base + 1
        return deepest + 1  # text and values are not remembered: it may lie beside any of them
