"""What happened in a run, as its clients saw it: every token sent, acknowledged and seen."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO


@dataclass(slots=True)
class Token:
    """One edit. Times are seconds on the clock of the writing process, None: has not happened.

    Attributes:
        document: where it was written.
        acknowledged: when `saved` covered it, at `level`.
        seen: when another client than its writer first had it.
    """

    token: str
    document: str
    sent: float
    acknowledged: float | None = None
    level: str = ""
    seen: float | None = None


@dataclass
class History:
    """All tokens of a run.

    Attributes:
        tokens: by name.
        strays: (token, document) pairs that a client saw and nobody had sent there.
    """

    tokens: dict[str, Token] = field(default_factory=dict)
    strays: set[tuple[str, str]] = field(default_factory=set)

    def send(self, token: str, document: str) -> None:
        """A client is about to send `token`."""
        self.tokens[token] = Token(token, document, time.monotonic())

    def acknowledge(self, token: str, level: str) -> None:
        """The server told the writer that `token` is saved."""
        self.tokens[token].acknowledged = time.monotonic()
        self.tokens[token].level = level

    def see(self, token: str, document: str) -> None:
        """Another client has `token` in its copy of `document`."""
        known = self.tokens.get(token)
        if known is None or known.document != document:
            self.strays.add((token, document))
        elif known.seen is None:
            known.seen = time.monotonic()

    def in_flight(self, at: float) -> list[Token]:
        """Sent and not acknowledged at that time."""
        return [each for each in self.tokens.values() if each.sent <= at and not _before(each, at)]

    def acknowledged(self, at: float, within: float = float("inf")) -> list[Token]:
        """Acknowledged in the last `within` seconds before that time."""
        return [each for each in self.tokens.values() if _before(each, at) and not _before(each, at - within)]

    def write(self, file: TextIO) -> None:
        """One JSON line per token, then one per stray."""
        for token in self.tokens.values():
            file.write(json.dumps(asdict(token)) + "\n")
        for stray, document in sorted(self.strays):
            file.write(json.dumps({"stray": stray, "document": document}) + "\n")


def read(path: Path) -> History:
    """The history that `write` wrote."""
    history = History()
    for line in _lines(path):
        if "stray" in line:
            history.strays.add((str(line["stray"]), str(line["document"])))
        else:
            token = Token(**line)  # type: ignore[arg-type]
            history.tokens[token.token] = token
    return history


def _lines(path: Path) -> Iterator[dict[str, object]]:
    with path.open() as file:
        yield from map(json.loads, file)


def _before(token: Token, at: float) -> bool:
    return token.acknowledged is not None and token.acknowledged <= at
