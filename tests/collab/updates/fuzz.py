"""Mutate honest traffic, admit it, and apply it: python -m tests.collab.updates.fuzz COUNT SEED TRACE.

A process of its own, because a miss can kill it. What is being tried is in the file TRACE: the state of a
document, and the updates that it got. Prints how many inputs were refused, waited and were applied.
"""

import os
import sys
from collections import Counter
from random import Random

from collab.protocol.lib0 import uint
from collab.updates import InvalidUpdate, admit, parse, survey
from collab.updates.content import TYPE
from tests.collab.updates.traffic import Replica, history, reloaded, same, state_vector, yjs_updates

EDGES = [0, 1, 2, 63, 64, 127, 128, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**64]


GROUP = 5
"""Inputs that one document gets, before all that is in it is deleted."""


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


def forge(clocks: dict[int, int], random: Random) -> bytes:
    """A well-formed update to a document at `clocks`; its structs refer to whatever there is."""
    client = random.choice([*clocks, 77])
    clock = clocks.get(client, 0)
    count = random.randrange(1, 4)
    out = uint(1) + uint(count) + uint(client) + uint(clock)
    for _ in range(count):
        kind = random.choice([1, 3, 4, 4, 5, 6, 7, 7, 7, 8])
        info = kind | random.choice([0, 0x20, 0x40, 0x80, 0xA0, 0xC0, 0xC0])
        out += bytes([info])
        refs = [random.choice([*clocks]) for _ in range(2)]
        ids = [uint(owner) + uint(random.randrange(clocks[owner])) for owner in refs]
        if info & 0x80:
            out += ids[0]
        if info & 0x40:
            out += ids[1]
        if not info & 0xC0:
            out += random.choice([b"\0" + ids[0], b"\1\4text", b"\1\3map", b"\1\4list", b"\1\3xml"])
            out += b"\1a" if info & 0x20 else b""
        out += random.choice(CONTENTS[kind])
    owner = random.choice([*clocks])
    start, length = random.randrange(clocks[owner]), random.randrange(1, 9)
    return out + random.choice([b"\0", uint(1) + uint(owner) + b"\1" + uint(start) + uint(length)])


CONTENTS = {
    1: [b"\x01", b"\x03"],
    3: [b"\x00", b"\x02ab"],
    4: [b"\x01a", b"\x03abc", "\x05é漢".encode(), "\x04😀".encode()],
    5: [b'\x07{"a":1}', b"\x04null"],
    6: [b"\x04bold\x04true", b"\x04bold\x04null"],
    7: [b"\x00", b"\x01", b"\x02", b"\x03\x01p", b"\x04", b"\x06"],
    8: [b"\x01\x7e", b"\x02\x7d\x01\x77\x01x", b"\x01\x75\x01\x7f", b"\x01\x76\x01\x01k\x78"],
}


def try_one(replica: Replica, update: bytes) -> str:
    """What becomes of `update` at a live document. Raises whatever must never happen."""
    try:
        admission = admit(update, replica.clocks, index=replica.index)
    except InvalidUpdate:
        return "refused"
    if admission.parked:
        admit(admission.parked, replica.clocks, index=replica.index)
    if admission.ready is None:
        return "waited"
    replica.apply(admission)
    check(replica)
    return "applied"


def erase(replica: Replica) -> None:
    """Delete all that there is, parents and children."""
    everything = [uint(client) + b"\1\0" + uint(clock) for client, clock in replica.clocks.items()]
    replica.receive(b"\0" + uint(len(everything)) + b"".join(everything))
    check(replica)


def check(replica: Replica) -> None:
    """The document reads back as the index knows it, and no item has outlived its parent."""
    state = replica.doc.get_update()
    assert state_vector(reloaded(state)) == replica.clocks
    assert same(replica.index, survey([state]), replica.clocks, collected=True)
    structs = [(block.client, struct) for block in parse(state).blocks.values() for struct in block.structs]
    types = {(client, struct.clock) for client, struct in structs if struct.kind == TYPE}
    for client, struct in structs:
        assert struct.parent is None or struct.parent in types, (client, struct)


def cases(random: Random) -> tuple[bytes, list[bytes]]:
    """The state of a document, and honest updates to it, of which the later ones come next."""
    updates = history(random, 40)[1]
    replica = Replica()
    for update in updates[:15]:
        replica.receive(update)
    return replica.doc.get_update(), updates


def main(count: int, seed: int, trace: str) -> None:
    random = Random(seed)
    recorded = yjs_updates()
    results: Counter[str] = Counter()
    file = os.open(trace, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for index in range(count):
        if index % 50 == 0:
            state, updates = cases(random)
        if index % GROUP == 0:
            replica = Replica(state)
            os.ftruncate(file, 0)
            os.write(file, state.hex().encode())
        update, donor = random.choice(updates[14:]), random.choice(updates + recorded[:50])
        if random.random() < 0.2:
            update = random.choice(recorded)
        mutated = forge(replica.clocks, random) if index % 2 else mutate(update[:3000], donor, random)
        os.write(file, b"\n" + mutated.hex().encode())
        results[try_one(replica, mutated)] += 1
        if index % GROUP == GROUP - 1:
            erase(replica)
    sys.stdout.write(" ".join(f"{name}={number}" for name, number in sorted(results.items())) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
