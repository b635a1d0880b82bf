"""What several people typed at the same time, as one update: their blocks one after the other. Pure.

An update is a number of blocks, the blocks, each of one client, and the deletions
(https://github.com/yjs/yjs, src/utils/encoding.js). Where each of several updates holds one block, of another
client, and deletes nothing, little has to be decoded to join them.
"""

from collections.abc import Sequence

from collab.protocol.lib0 import read_uint

_ONE_BLOCK = 1
_NO_DELETIONS = 0
_FEW = 128  # from here on a varUint has a second byte


def concatenate(updates: Sequence[bytes]) -> bytes | None:
    """One update equal to `updates`, which are valid; None where they are of another form.

    The blocks stand as Yjs writes them, the highest client first: its mergeUpdates relies on that.
    """
    if not 0 < len(updates) < _FEW:
        return None
    blocks: dict[int, bytes] = {}
    for update in updates:
        # A zero behind a byte with its high bit set ends a longer number, such as the length of a deletion.
        if update[-1] != _NO_DELETIONS or update[-2] >= _FEW:
            return None
        if update[0] != _ONE_BLOCK or update[1] >= _FEW:
            return None
        blocks[read_uint(update, 2)[0]] = update[1:-1]
    if len(blocks) < len(updates):
        return None
    joined = b"".join([blocks[client] for client in sorted(blocks, reverse=True)])
    return bytes((len(blocks),)) + joined + bytes((_NO_DELETIONS,))
