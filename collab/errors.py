"""Errors of the live server, and the WebSocket close codes they end in.

4400 to 4499 are permanent (y-websocket 3.1 stops on them), 4500 to 4599 and 1012 transient.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Why the server closes a socket."""

    DRAIN = 1012
    MALFORMED = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    TOO_LARGE = 4413
    REFUSED = 4422
    OUT_OF_SYNC = 4500
    TOKEN_EXPIRED = 4501
    UNAVAILABLE = 4503
    TOO_SLOW = 4508
    TOO_MANY = 4529


class Rejected(Exception):
    """A client's request or message is refused; its socket closes with `code` and `reason`.

    Attributes:
        code: the close code.
        reason: a sentence for people, at most 120 bytes.
        label: a short slug for the metric.
    """

    def __init__(self, code: CloseCode, reason: str, label: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.label = label


class Poisoned(Exception):
    """The document object can no longer be trusted: it panicked, or applied less than it should.

    Attributes:
        guilty: the update that it was given then, where that is known.
    """

    def __init__(self, reason: str, guilty: bytes = b"") -> None:
        super().__init__(reason)
        self.guilty = guilty


class StartError(Exception):
    """The server cannot start; the message is one line for the person at the terminal."""
