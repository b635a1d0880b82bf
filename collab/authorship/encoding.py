"""An account as bytes, for the catalogue. Pure.

Compressed msgpack: version, authors, owners, inserted, deleted. A run is four numbers: units since the end of
the one before, its length, the index of its author, minutes since the one before.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack  # type: ignore[import-untyped]

from collab.authorship.account import Account
from collab.authorship.runs import Mark, Run, Runs

VERSION = 1


def encode(account: Account) -> bytes:
    """The same account gives the same bytes, however it came about."""
    authors: dict[str, int] = {}
    owners = [
        (client, authors.setdefault(owner, len(authors))) for client, owner in sorted(account.owners.items())
    ]
    inserted, deleted = (_encode_runs(runs, authors) for runs in (account.inserted, account.deleted))
    return zlib.compress(msgpack.packb((VERSION, list(authors), owners, inserted, deleted)))


def decode(data: bytes) -> Account:
    """The account that `encode` wrote. Raises ValueError for anything else, another version's too."""
    try:
        version, *fields = msgpack.unpackb(zlib.decompress(data), use_list=False)
        if version != VERSION:
            raise ValueError(f"version {version}")
        authors, owners, inserted, deleted = fields
        return Account(
            {client: authors[owner] for client, owner in owners},
            _decode_runs(inserted, authors),
            _decode_runs(deleted, authors),
        )
    except (zlib.error, TypeError, IndexError) as error:
        raise ValueError(str(error)) from error


def _encode_runs(runs: Runs, authors: dict[str, int]) -> list[tuple[int, list[int]]]:
    return [(client, list(_flat(runs.of(client), authors))) for client in runs.clients()]


def _flat(runs: Sequence[Run], authors: dict[str, int]) -> Iterator[int]:
    end = minute = 0
    for start, stop, mark in runs:
        yield from (start - end, stop - start)
        yield from (authors.setdefault(mark.author, len(authors)), mark.minute - minute)
        end, minute = stop, mark.minute


def _decode_runs(table: Any, authors: Sequence[str]) -> Runs:
    runs = Runs()
    for client, numbers in table:
        end = minute = 0
        for at in range(0, len(numbers), 4):
            gap, length, author, minutes = numbers[at : at + 4]
            start, end, minute = end + gap, end + gap + length, minute + minutes
            runs.put(client, (start, end), Mark(authors[author], minute))
    return runs
