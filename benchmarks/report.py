"""What a replay measured and found."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """What a replay measured and found.

    Attributes:
        seconds: from the first edit until every client holds all of them.
        edits: updates sent, acknowledged by the server where it does that.
        sent: bytes of the updates.
        received: bytes of all frames that came back, over all clients.
        texts: who ended with which text; None: not checked.
    """

    content: str
    seconds: float = 0.0
    edits: int = 0
    sent: int = 0
    received: int = 0
    texts: dict[str, str | None] = field(default_factory=dict)

    @property
    def differing(self) -> list[str]:
        """Who ended with another text than the recorded one."""
        return [name for name, text in self.texts.items() if text not in (None, self.content)]
