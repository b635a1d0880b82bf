"""Recorded editing sessions, in the format of https://github.com/josephg/editing-traces."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Patch:
    """`deleted` code points go at code point `position`, then `inserted` comes there."""

    position: int
    deleted: int
    inserted: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """Patches made one after the other by `agent`, on top of the merge of `parents` (indexes)."""

    agent: int
    parents: tuple[int, ...]
    patches: tuple[Patch, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole session: parents come before their children; `content` is the text at the end."""

    agents: int
    transactions: list[Transaction]
    content: str


def load(path: Path) -> Trace:
    """Read a gzipped JSON file. Raises OSError, or ValueError for a file that is no such session."""
    with gzip.open(path) as file:
        raw = json.load(file)
    try:
        return _trace(raw)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is no recorded session: {error!r}") from error


def _trace(raw: dict[str, Any]) -> Trace:
    if raw.get("startContent"):
        raise ValueError("sessions that start with a text are not supported")
    concurrent = raw.get("kind") == "concurrent"
    transactions = [_transaction(index, item, concurrent) for index, item in enumerate(raw["txns"])]
    return Trace(raw["numAgents"] if concurrent else 1, transactions, raw["endContent"])


def _transaction(index: int, raw: dict[str, Any], concurrent: bool) -> Transaction:
    patches = tuple(Patch(*patch) for patch in raw["patches"])
    if not concurrent:
        return Transaction(0, (index - 1,) if index else (), patches)
    parents = tuple(raw["parents"])
    if any(parent >= index for parent in parents):
        raise ValueError(f"transaction {index} comes before one of its parents")
    return Transaction(raw["agent"], parents, patches)
