"""What clients say, whatever dialect they say it in."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ask:
    """Sync step 1: the sender has `state_vector` and asks for the rest."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class Edit:
    """An update, or a sync step 2 (what the sender has and the server lacks)."""

    update: bytes
    step2: bool


@dataclass(frozen=True, slots=True)
class Awareness:
    """Presence entries, still encoded (`presence.py` reads them)."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """The sender asks for everybody's presence."""


@dataclass(frozen=True, slots=True)
class Control:
    """A JSON message of the subprotocol `studyhub.v1`."""

    body: dict[str, Any]


Message = Ask | Edit | Awareness | QueryAwareness | Control
