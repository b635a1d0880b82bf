"""Which ids an update deletes. Format: https://github.com/yjs/yjs (DeleteSet.js)."""

from bisect import bisect_right

from collab.protocol.lib0 import read_uint

Deletions = dict[int, list[tuple[int, int]]]
"""Client id to its deleted ranges (first clock, clock behind), sorted and apart."""


def read(update: bytes) -> Deletions:
    """The deletions of an update that holds no structs. Raises Malformed, or ValueError if it holds some."""
    if update[0] != 0:
        raise ValueError("the update holds structs")
    clients, at = read_uint(update, 1)
    deletions: Deletions = {}
    for _ in range(clients):
        client, at = read_uint(update, at)
        ranges, at = read_uint(update, at)
        found = deletions.setdefault(client, [])
        for _ in range(ranges):
            clock, at = read_uint(update, at)
            length, at = read_uint(update, at)
            found.append((clock, clock + length))
        deletions[client] = _joined(found)
    return deletions


def holds(all_of: Deletions, part: Deletions) -> bool:
    """Whether every id that `part` deletes is deleted in `all_of`."""
    return all(
        _covers(all_of.get(client, []), start, end)
        for client, ranges in part.items()
        for start, end in ranges
    )


def _covers(ranges: list[tuple[int, int]], start: int, end: int) -> bool:
    index = bisect_right(ranges, start, key=lambda each: each[0]) - 1
    return index >= 0 and ranges[index][1] >= end


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
