"""The index of a stored document."""

from collab.updates.gate import Gate
from collab.updates.index import Index
from collab.updates.structs import parse


def survey(updates: list[bytes]) -> Index:
    """The index of the document that `updates` make, in causal order and without gaps.

    Parses them whole: in a worker process if they are large. Raises InvalidUpdate.
    """
    index = Index()
    clocks: dict[int, int] = {}
    for update in updates:
        gate = Gate(parse(update).blocks, clocks, (), index)
        gate.run()
        clocks.update(gate.clocks)
        index.learn(gate.admission(None, None))
    return index
