"""The crash-loop guard: open documents are marked, so that one that kills the server is noticed.

A document that was open at two crashes in a row is first opened in a worker process; if that dies too, the
document is refused until somebody has looked at it, and the server lives on.
"""

import hashlib
from pathlib import Path

_SUSPECT = 2  # crashes in a row


class CrashGuard:
    """Marks in a folder: one small file per open document, holding how many crashes it was open at."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._crashes = {path.name: 1 + _count(path) for path in folder.iterdir()}

    def is_suspect(self, material: str) -> bool:
        """Whether `material` was open at two crashes in a row."""
        return self._crashes.get(_name(material), 0) >= _SUSPECT

    def opened(self, material: str) -> None:
        """Mark `material` as open. Without room on the disk there is no mark, and no harm."""
        name = _name(material)
        try:
            (self._folder / name).write_text(str(self._crashes.get(name, 0)))
        except OSError:
            return

    def closed(self, material: str) -> None:
        """Remove the mark: this document did not crash the server."""
        name = _name(material)
        self._crashes.pop(name, None)
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError:
            return


def _name(material: str) -> str:
    return hashlib.sha256(material.encode()).hexdigest()[:32]


def _count(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except ValueError:
        return 0
