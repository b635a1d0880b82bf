"""Our uvicorn WebSocket protocol: stock uvicorn, plus a way to end a connection whose peer does not read.

Ending the ASGI call closes the transport, which waits until everything is written; a peer that never reads so
keeps its socket and buffers for good. Other ASGI servers lack the extension, and are merely slower to let go.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

ABORT = "studyhub.abort"
"""ASGI extension of the WebSocket scope: a function that drops the connection at once."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn.Config(ws=...)`."""

    def handle_connect(self, event: Request) -> None:
        """Begin the ASGI call, with the extension in its scope."""
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was good
            self.scope["extensions"][ABORT] = self.transport.abort  # type: ignore[assignment]
