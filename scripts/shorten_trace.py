"""Cuts a recorded sequential session after some transactions: `shorten_trace.py FILE COUNT OUTPUT`.

The text at the end is computed anew on a plain Python string, whose positions are code points as in the file.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def shorten(session: dict[str, Any], count: int) -> dict[str, Any]:
    """The first `count` transactions of a sequential session. Raises ValueError for a concurrent one."""
    if session.get("kind") == "concurrent":
        raise ValueError("a concurrent session is a graph and has no first part")
    text = session["startContent"]
    transactions = session["txns"][:count]
    for transaction in transactions:
        for position, deleted, inserted in transaction["patches"]:
            text = text[:position] + inserted + text[position + deleted :]
    return {**session, "txns": transactions, "endContent": text}


def main() -> None:
    """Read the first file, write the second."""
    source, count, target = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    session = shorten(json.loads(gzip.decompress(source.read_bytes())), count)
    body = json.dumps(session, ensure_ascii=False, separators=(",", ":")).encode()
    # No time stamp, so that the same input gives the same file.
    target.write_bytes(gzip.compress(body, compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
