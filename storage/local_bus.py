"""The bus between nodes of one process. A server on its own has nobody to tell; tests have several nodes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

Listener = Callable[[str, bytes], None]


class LocalBus:
    """A Bus in memory."""

    def __init__(self, node: str = "1") -> None:
        self.node = node
        self._topics: defaultdict[str, dict[str, Listener]] = defaultdict(dict)  # listeners by node

    def of_node(self, node: str) -> "LocalBus":
        """The same bus as another node sees it."""
        other = LocalBus(node)
        other._topics = self._topics
        return other

    def publish(self, topic: str, message: bytes) -> None:
        """See Bus."""
        for node, listener in self._topics.get(topic, {}).items():
            if node != self.node:
                asyncio.get_running_loop().call_soon(listener, self.node, message)

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """See Bus."""
        self._topics[topic][self.node] = listener

    def unsubscribe(self, topic: str) -> None:
        """See Bus."""
        self._topics[topic].pop(self.node, None)
        if not self._topics[topic]:
            del self._topics[topic]

    async def close(self) -> None:
        """See Bus."""
