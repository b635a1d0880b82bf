"""The list of what a backup holds, in its folder: every file with its size and checksum. Blocking."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path

from storage.disk import sync_file, sync_folder
from storage.errors import Corrupt, Missing, Unavailable

NAME = "manifest.json"
"""Of the file."""

FORMAT = 1
"""Version of this form, and of the folder that it describes."""

_BLOCK = 1 << 20  # bytes read in one go


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    time: int
    """Unix time, milliseconds, at which it was begun: what was saved before is in it."""
    installation: str
    """Whose data these are."""
    documents: int
    entries: int
    objects: int
    damaged: dict[str, str] = field(default_factory=dict)
    """Documents that did not open when the backup was made, and why."""
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Size and BLAKE2b (16 bytes, hexadecimal) of every other file, by its path."""
    format: int = FORMAT

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())


def survey(folder: Path) -> dict[str, tuple[int, str]]:
    """`Manifest.files` of what lies in `folder`, each brought to the disk. Raises OSError."""
    return {path.relative_to(folder).as_posix(): _measure(path) for path in _files(folder)}


def write(folder: Path, manifest: Manifest) -> None:
    """Store `manifest` in `folder`. Raises OSError."""
    with open(folder / NAME, "w", encoding="utf-8", opener=_private) as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        sync_file(file.fileno())
    sync_folder(folder)


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises Missing, Unavailable, Corrupt."""
    try:
        found = json.loads((folder / NAME).read_bytes())
        if found["format"] != FORMAT:
            raise Unavailable("read backup", str(folder), "a newer version of StudyHub wrote it")
        found["files"] = {path: (int(size), str(digest)) for path, (size, digest) in found["files"].items()}
        return Manifest(**found)
    except FileNotFoundError as error:
        raise Missing(
            "read backup", str(folder), f"there is no {NAME}: no backup, or not finished"
        ) from error
    except OSError as error:
        raise Unavailable("read backup", str(folder), error.strerror) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Corrupt("read backup", str(folder), f"{NAME} is damaged") from error


def verify(folder: Path) -> Manifest:
    """The manifest, once every file in it was read and is what it was. Raises as `read`."""
    manifest = read(folder)
    for name, expected in manifest.files.items():
        try:
            found = _measure(folder / name)
        except FileNotFoundError as error:
            raise Corrupt("read backup", str(folder), f"{name} is missing") from error
        except OSError as error:
            raise Unavailable("read backup", str(folder), error) from error
        if found != expected:
            raise Corrupt("read backup", str(folder), f"{name} is not what was written")
    return manifest


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / NAME)


def _measure(path: Path) -> tuple[int, str]:
    digest = blake2b(digest_size=16)
    size = 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
        sync_file(file.fileno())
    return size, digest.hexdigest()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
