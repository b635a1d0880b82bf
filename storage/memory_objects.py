"""Objects in memory, for tests and for trying things out: it keeps nothing."""

from storage.errors import Missing


class MemoryObjects:
    """An ObjectStore in a dict."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}  # open to tests that damage an object

    async def put(self, name: str, data: bytes) -> None:
        """See ObjectStore."""
        self.stored[name] = bytes(data)

    async def get(self, name: str) -> bytes:
        """See ObjectStore."""
        try:
            return self.stored[name]
        except KeyError:
            raise Missing("get", name) from None

    async def list(self, prefix: str) -> list[str]:
        """See ObjectStore."""
        return sorted(name for name in self.stored if name.startswith(prefix))

    async def delete(self, name: str) -> None:
        """See ObjectStore."""
        self.stored.pop(name, None)
