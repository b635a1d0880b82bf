"""What clients say, whatever dialect they say it in. Nobody changes a message; frozen ones cost more."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Ask:
    """Sync step 1: the sender has `state_vector` and asks for the rest."""

    state_vector: bytes


@dataclass(slots=True)
class Edit:
    """An update, or a sync step 2 (what the sender has and the server lacks)."""

    update: bytes
    step2: bool


@dataclass(slots=True)
class Awareness:
    """Presence entries, still encoded (`presence.py` reads them)."""

    payload: bytes


@dataclass(slots=True)
class QueryAwareness:
    """The sender asks for everybody's presence."""


@dataclass(slots=True)
class Control:
    """A JSON message of the subprotocol `studyhub.v1`."""

    body: dict[str, Any]


Message = Ask | Edit | Awareness | QueryAwareness | Control
