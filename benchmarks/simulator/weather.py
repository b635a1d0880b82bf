"""How bad the network and the storage are at this moment."""

from dataclasses import dataclass


@dataclass
class Weather:
    """Probabilities, and seconds where it says so; the defaults are a good day.

    Attributes:
        answers_lost: of an answer of the log server, although it did what it was asked.
        unconfirmed: that no replica confirms an append (level `replicated` only).
        lost, late, twice: of an announcement or a message of the bus.
        refused: of a request to the object store, before or after its effect.
        slowness: seconds that the object store takes at most.
        flipped: that one bit of an object is wrong as it is read.
    """

    answers_lost: float = 0.0
    unconfirmed: float = 0.0
    lost: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    refused: float = 0.0
    slowness: float = 0.03
    flipped: float = 0.0
