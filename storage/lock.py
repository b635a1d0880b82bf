"""One server per data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.errors import Unavailable

_NAME = "lock"  # of the file in the folder


class FolderInUse(Unavailable):
    """Another server uses the data folder."""


class FolderLock:
    """Use of the data folder `path`, which is created when it is missing: alone, or `shared` with others.

    The system lets go of it when the process ends, however it ends. Workers that were forked while it is held
    share it; start them by spawn or forkserver. Raises FolderInUse, and Unavailable when the folder cannot be
    written.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unavailable(
                "open data folder", str(path), reason, hint="choose a folder that this user can write to"
            ) from error
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise FolderInUse(
                "open data folder",
                str(path),
                "another server uses it",
                hint="stop it or choose another folder",
            ) from error

    def release(self) -> None:
        """Let others use the folder. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
