"""Updates put together again from the parts of one."""

from collab.protocol.lib0 import write_uint
from collab.updates.structs import Block, Deletes


def encode(update: bytes, blocks: list[Block], deletes: Deletes) -> bytes | None:
    """An update of `blocks`, whose structs are neighbours in `update`, and `deletes`; None without either.

    The structs' bytes are copied, not written anew.
    """
    if not blocks and not deletes:
        return None
    out = bytearray()
    write_uint(out, len(blocks))
    for client, structs in blocks:
        first = structs[0]
        write_uint(out, len(structs))
        write_uint(out, client)
        write_uint(out, first.clock)
        out += update[first.start : structs[-1].stop]
    write_uint(out, len(deletes))
    for client, ranges in deletes.items():
        write_uint(out, client)
        write_uint(out, len(ranges))
        for clock, length in ranges:
            write_uint(out, clock)
            write_uint(out, length)
    return bytes(out)
