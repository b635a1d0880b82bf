"""The account of one document: whose each unit is, and who deleted it. Pure.

A unit is what Yjs counts in clocks: a UTF-16 code unit of text, an element, a value, a formatting mark.

The author of a unit is the author of the part that first brought it into the log. A client id belongs to
the first author who brought units of it; what others bring of it later is relayed: who sent it is known, who
wrote it is not. So nothing that somebody sends becomes the verified work of somebody else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collab.auth.grants import ANONYMOUS
from collab.authorship.runs import Mark, Runs
from collab.updates import parse
from collab.updates.content import DELETED, SKIP
from collab.updates.structs import Block, Deletes, Parsed, Range
from storage.values import Entry

MINUTE = 60_000
"""Milliseconds."""

AI = "ai:"
"""Begins the author of what an AI run writes: `ai:<id of the run>`."""

_Part = tuple[str, Parsed]  # author and update


class _Claim(NamedTuple):
    """Units that one part brings; `gone` where they came deleted."""

    client: int
    start: int
    stop: int
    gone: bool
    author: str


@dataclass(slots=True)
class Account:
    """Whose the units of one document are.

    Attributes:
        owners: by client id, the author who used it first; of units without author it says nothing.
        inserted: who brought each unit, and when.
        deleted: who deleted it first, and when.
    """

    owners: dict[int, str] = field(default_factory=dict)
    inserted: Runs = field(default_factory=Runs)
    deleted: Runs = field(default_factory=Runs)

    def authors(self) -> set[str]:
        """Everybody who is named, without nobody."""
        named = (run.mark.author for runs in (self.inserted, self.deleted) for run in runs.all())
        return set(named) - {""}

    def note(self, entry: Entry, gone: Deletes | None) -> None:
        """Take in one entry, in the order of the log; one that is known already changes nothing.

        `gone` is what the document lost by it, None where that is not known. What of it no part names went by
        merging alone, such as text typed into a paragraph that another deleted meanwhile: nobody deleted it.
        Raises InvalidUpdate.
        """
        minute = entry.time // MINUTE
        parts = [(_author(part.author), parse(part.update)) for part in entry.parts]
        for claim in sorted(_claims(parts), key=lambda claim: claim[:2]):
            self._insert(claim, minute)
        for author, parsed in parts:
            for client, ranges in parsed.deletes.items():
                self._delete(client, ranges, Mark(author, minute))
        for client, ranges in (gone or {}).items():
            self._delete(client, ranges, Mark("", minute))

    def _insert(self, claim: _Claim, minute: int) -> None:
        client, author = claim.client, claim.author
        mark = Mark(author, minute)
        for span in self.inserted.gaps(client, claim.start, claim.stop):
            if author:
                self.owners.setdefault(client, author)
            self.inserted.put(client, span, mark)
            if claim.gone:
                self._delete(client, [(span[0], span[1] - span[0])], mark)

    def _delete(self, client: int, ranges: Sequence[Range], mark: Mark) -> None:
        for clock, length in ranges:
            for span in self.deleted.gaps(client, clock, clock + length):
                self.deleted.put(client, span, mark)


def _author(subject: str) -> str:
    """Who a part's subject stands for; nobody where everybody has the same one."""
    return "" if subject == ANONYMOUS.subject else subject


def _claims(parts: Sequence[_Part]) -> Iterator[_Claim]:
    """What the parts bring."""
    for author, parsed in parts:
        for block in parsed.blocks.values():
            for start, stop, gone in _spans(block):
                yield _Claim(block.client, start, stop, gone, author)


def _spans(block: Block) -> Iterator[tuple[int, int, bool]]:
    """First clock, end, and whether it came deleted; as long as can be. A Skip stands for what is missing."""
    start = stop = 0
    gone = False
    for struct in block.structs:
        if struct.kind == SKIP:
            continue
        if (struct.clock, struct.kind <= DELETED) != (stop, gone):
            if start < stop:
                yield start, stop, gone
            start, gone = struct.clock, struct.kind <= DELETED
        stop = struct.end
    if start < stop:
        yield start, stop, gone
