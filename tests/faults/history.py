"""What happened in a run, as its clients saw it: every token sent, acknowledged and seen."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

_SPANS = ("unrecorded", "absences")


@dataclass(slots=True)
class Token:
    """One edit. Times are seconds on the clock of the writing process, None: has not happened.

    Attributes:
        document: where it was written.
        acknowledged: when `saved` covered it, at `level`.
        seen: when another client than its writer first had it, not told that it may be lost.
        excused: whether another client had it while its server announced that edits are not recorded.
    """

    token: str
    document: str
    sent: float
    acknowledged: float | None = None
    level: str = ""
    seen: float | None = None
    excused: bool = False


@dataclass(slots=True)
class Span:
    """Some time, in the same seconds, at one server's address of a document. `end` is None while it lasts."""

    address: str
    start: float
    end: float | None = None

    def seconds(self, until: float) -> float:
        """How long it lasted, where it lasts still until then."""
        return (self.end or until) - self.start


@dataclass
class History:
    """All tokens of a run.

    Attributes:
        tokens: by name.
        strays: (token, document) pairs that a client saw and nobody had sent there.
        unrecorded: when a server announced that edits are shown and not recorded.
        absences: when a client had lost its socket, until another had brought the document.
    """

    tokens: dict[str, Token] = field(default_factory=dict)
    strays: set[tuple[str, str]] = field(default_factory=set)
    unrecorded: list[Span] = field(default_factory=list)
    absences: list[Span] = field(default_factory=list)

    def send(self, token: str, document: str) -> None:
        """A client is about to send `token`."""
        self.tokens[token] = Token(token, document, time.monotonic())

    def acknowledge(self, token: str, level: str) -> None:
        """The server told the writer that `token` is saved."""
        self.tokens[token].acknowledged = time.monotonic()
        self.tokens[token].level = level

    def see(self, token: str, document: str, *, unrecorded: bool = False) -> None:
        """Another client has `token` in its copy of `document`; `unrecorded`: and was told it may be lost."""
        known = self.tokens.get(token)
        if known is None or known.document != document:
            self.strays.add((token, document))
        elif unrecorded:
            known.excused = True
        elif known.seen is None:
            known.seen = time.monotonic()

    def announce(self, address: str, *, on: bool) -> None:
        """A server says that edits are shown and not recorded; or no longer, or its socket is gone."""
        now = time.monotonic()
        lasting = [span for span in self.unrecorded if span.address == address and span.end is None]
        if on and not lasting:
            self.unrecorded.append(Span(address, now))
        elif not on:
            for span in lasting:
                span.end = now

    def come_back(self, address: str, since: float) -> None:
        """A client that had no socket `since` then has one again, and the document."""
        self.absences.append(Span(address, since, time.monotonic()))

    def in_flight(self, at: float) -> list[Token]:
        """Sent and not acknowledged at that time."""
        return [each for each in self.tokens.values() if each.sent <= at and not _before(each, at)]

    def acknowledged(self, at: float, within: float = float("inf")) -> list[Token]:
        """Acknowledged in the last `within` seconds before that time."""
        return [each for each in self.tokens.values() if _before(each, at) and not _before(each, at - within)]

    def write(self, file: TextIO) -> None:
        """One JSON line per token, then one per stray and span."""
        for token in self.tokens.values():
            file.write(json.dumps(asdict(token)) + "\n")
        for stray, document in sorted(self.strays):
            file.write(json.dumps({"stray": stray, "document": document}) + "\n")
        for name in _SPANS:
            for span in getattr(self, name):
                file.write(json.dumps({name: asdict(span)}) + "\n")


def read(path: Path) -> History:
    """The history that `write` wrote."""
    history = History()
    for line in _lines(path):
        if "stray" in line:
            history.strays.add((line["stray"], line["document"]))
        elif name := next((name for name in _SPANS if name in line), None):
            getattr(history, name).append(Span(**line[name]))
        else:
            token = Token(**line)
            history.tokens[token.token] = token
    return history


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        yield from map(json.loads, file)


def _before(token: Token, at: float) -> bool:
    return token.acknowledged is not None and token.acknowledged <= at
