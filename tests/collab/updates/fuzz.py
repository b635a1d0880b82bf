"""Mutate honest traffic, admit it, and apply what is admitted: python -m tests.collab.updates.fuzz COUNT SEED.

A process of its own, because a miss can kill it. The mutated bytes that are being tried are in the file named
by the third argument, if there is one. Prints how many inputs were refused, waited, and were applied.
"""

import os
import sys
from collections import Counter
from random import Random

from collab.protocol.lib0 import uint
from collab.updates import InvalidUpdate, admit
from tests.collab.updates.traffic import Replica, history, reloaded, view, yjs_updates

EDGES = [0, 1, 2, 63, 64, 127, 128, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**64]


def mutate(update: bytes, donor: bytes, random: Random) -> bytes:
    """`update` with a few bytes changed, inserted, removed, taken from `donor` or cut off."""
    out = bytearray(update)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        at = random.randrange(len(out) + 1)
        span = random.randrange(1, 6)
        kind = random.randrange(7)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = random.randrange(256)
        elif kind == 2:
            out[at : at + random.choice([0, 1, 5])] = uint(random.choice(EDGES))
        elif kind == 3:
            del out[at : at + span]
        elif kind == 4:
            start = random.randrange(len(donor))
            out[at : at + random.choice([0, span])] = donor[start : start + span]
        elif kind == 5 and at < len(out):
            out[at] = max(0, min(255, out[at] + random.choice([-1, 1])))
        elif kind == 6 and random.random() < 0.2:
            del out[at:]
    return bytes(out)


def try_one(state: bytes, update: bytes) -> str:
    """What becomes of `update` at a document of `state`. Raises whatever must never happen."""
    replica = Replica(state)
    try:
        admission = admit(update, replica.clocks, pairs=replica.pairs)
    except InvalidUpdate:
        return "refused"
    if admission.parked:
        admit(admission.parked, replica.clocks, pairs=replica.pairs)
    if admission.ready is None:
        return "waited"
    doc = replica.doc
    try:
        doc.apply_update(admission.ready)
    except RuntimeError:
        return "stopped"  # an impossible parent in the document, which the bytes cannot show
    assert view(reloaded(doc.get_update())) == view(doc)
    return "applied"


def cases(random: Random) -> tuple[bytes, list[bytes]]:
    """The state of a document, and honest updates to it, of which the later ones come next."""
    updates = history(random, 40)[1]
    replica = Replica()
    for update in updates[:15]:
        replica.receive(update)
    return replica.doc.get_update(), updates


def main(count: int, seed: int, trace: str | None) -> None:
    random = Random(seed)
    recorded = yjs_updates()
    results: Counter[str] = Counter()
    file = os.open(trace or os.devnull, os.O_CREAT | os.O_WRONLY)
    for index in range(count):
        if index % 50 == 0:
            state, updates = cases(random)
        update, donor = random.choice(updates[14:]), random.choice(updates + recorded[:50])
        if random.random() < 0.2:
            update = random.choice(recorded)
        mutated = mutate(update[:3000], donor, random)
        os.pwrite(file, (mutated.hex() + " " + state.hex() + "\n").encode(), 0)
        results[try_one(state, mutated)] += 1
    sys.stdout.write(" ".join(f"{name}={number}" for name, number in sorted(results.items())) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
