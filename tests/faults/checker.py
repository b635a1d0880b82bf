"""Compares what clients were promised with what is there at the end. Knows nothing of the server."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.faults.history import History, Token

Kind = Literal[
    "acknowledged and lost",
    "seen and lost",
    "sent and lost",
    "doubled",
    "never sent",
    "leaked",
    "unreadable",
    "diverged",
    "not back",
    "memory",
]

Contents = dict[str, list[str] | None]
"""Document to the tokens in it; None: it could not be read."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: `token` of `document`, as found in `source`.

    A server that grew ("memory"), or a client that did not come back, stands in place of the document.
    """

    kind: Kind
    document: str
    token: str
    source: str


def check(history: History, contents: Contents, source: str, *, complete: bool = False) -> list[Violation]:
    """All broken promises in `contents`, read from `source`.

    Every acknowledged and every seen token must be in its document exactly once, and no token anywhere that
    was not sent there. `complete`: every token that was sent must be there.
    """
    violations = [
        Violation("unreadable", document, "", source)
        for document, tokens in contents.items()
        if tokens is None
    ]
    for document, tokens in contents.items():
        if tokens is not None:
            violations += _check_document(history, document, Counter(tokens), source, complete)
    return violations


def check_agreement(sources: Mapping[str, Contents]) -> list[Violation]:
    """Documents that differ from source to source, in their tokens or the order of these."""
    (first, reference), *others = sources.items()
    return [
        Violation("diverged", document, _difference(tokens, contents[document]), f"{first} and {source}")
        for source, contents in others
        for document, tokens in reference.items()
        if contents[document] != tokens
    ]


def check_strays(history: History) -> list[Violation]:
    """What clients saw during the run and nobody had sent there."""
    return [_stray(history, token, document, "a client") for token, document in sorted(history.strays)]


def _difference(one: list[str] | None, other: list[str] | None) -> str:
    return " ".join(sorted(set(one or ()) ^ set(other or ())))


def _check_document(
    history: History, document: str, found: Counter[str], source: str, complete: bool
) -> Iterator[Violation]:
    for token in _of(history, document):
        kind = _loss(token, complete)
        if kind is not None and not found[token.token]:
            yield Violation(kind, document, token.token, source)
    for name, count in found.items():
        if count > 1:
            yield Violation("doubled", document, name, source)
        known = history.tokens.get(name)
        if known is None or known.document != document:
            yield _stray(history, name, document, source)


def _loss(token: Token, complete: bool) -> Kind | None:
    """What it is called when this token is missing; None: it may be missing."""
    if token.acknowledged is not None:
        return "acknowledged and lost"
    if token.seen is not None:
        return "seen and lost"
    return "sent and lost" if complete else None


def _of(history: History, document: str) -> Iterable[Token]:
    return (token for token in history.tokens.values() if token.document == document)


def _stray(history: History, token: str, document: str, source: str) -> Violation:
    return Violation("leaked" if token in history.tokens else "never sent", document, token, source)
