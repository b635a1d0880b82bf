"""Why an update is refused."""

from collab.protocol.lib0 import Malformed


class InvalidUpdate(Malformed):
    """An update that no honest client sends; nothing of it may reach a document.

    `reason` is a short fixed word, fit for a metric label.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
