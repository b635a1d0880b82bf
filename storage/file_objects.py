"""Objects as files under one folder.

A put writes a temporary file beside its target, syncs it, renames it and syncs the folder, so a name is
there with all its bytes or not at all. Names reach the disk as they are: `storage.keys` makes them safe.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from storage.disk import make_folders, sync_file, sync_folder
from storage.errors import Missing, Unavailable

T = TypeVar("T")

_TEMPORARY = ".tmp-"  # prefix of files that are being written; no name may have it
_ORPHAN_SECONDS = 3600.0  # a temporary file this old belongs to a process that died


class FileObjects:
    """An ObjectStore in the folder `root`, which is created if its parent allows it.

    Raises Unavailable when there is no such folder and none can be made. A root that vanishes later is
    Unavailable, not empty.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            make_folders(root)
        except OSError as error:
            raise Unavailable("open folder", str(root), error, hint="check that it is writable") from error

    async def put(self, name: str, data: bytes) -> None:
        """See ObjectStore. Raises Unavailable."""
        path = self._path(name)
        await self._run("put", name, lambda: self._write(path, data))

    async def get(self, name: str) -> bytes:
        """See ObjectStore."""
        path = self._path(name)
        return await self._run("get", name, lambda: self._read(path, name))

    async def list(self, prefix: str) -> list[str]:
        """See ObjectStore."""
        return await self._run("list", prefix, lambda: sorted(self._names(prefix)))

    async def delete(self, name: str) -> None:
        """See ObjectStore."""
        path = self._path(name)
        await self._run("delete", name, lambda: self._unlink(path))

    async def _run(self, operation: str, name: str, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unavailable(operation, name, error, hint="check the data folder and its disk") from error

    def _path(self, name: str) -> Path:
        for part in name.split("/"):
            if part in ("", ".", "..") or part.startswith(_TEMPORARY) or "\0" in part:
                raise ValueError(f"not an object name: {name!r}")
        return self._root / name

    def _write(self, path: Path, data: bytes) -> None:
        self._check_root()
        make_folders(path.parent)
        _replace(path, data)

    def _read(self, path: Path, name: str) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            self._check_root()
            raise Missing("get", name) from error

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink()
        except FileNotFoundError:
            self._check_root()
        else:
            sync_folder(path.parent)

    def _names(self, prefix: str) -> Iterator[str]:
        folder = prefix.rpartition("/")[0]
        if folder:
            self._path(folder)
        self._check_root()
        for path in _files(self._root / folder):
            name = path.relative_to(self._root).as_posix()
            if name.startswith(prefix):
                yield name

    def _check_root(self) -> None:
        os.stat(self._root)  # raises FileNotFoundError, which is Unavailable here


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(_TEMPORARY + secrets.token_hex(8))
    try:
        with open(temporary, "xb", opener=_private) as file:
            file.write(data)
            file.flush()
            sync_file(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report; list cleans up later
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name)
        elif entry.name.startswith(_TEMPORARY):
            _clean(entry)
        else:
            yield folder / entry.name


def _clean(entry: os.DirEntry[str]) -> None:
    with contextlib.suppress(OSError):  # just renamed, or a disk that lets nothing be removed
        if time.time() - entry.stat().st_mtime > _ORPHAN_SECONDS:
            os.unlink(entry.path)
