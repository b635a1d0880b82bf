"""Child processes for what a test cannot do to itself: be killed, be refused, run out of space."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOBODY = 65534


def run(script: str, *arguments: str) -> str:
    """What a Python child prints. Its errors fail the test."""
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unprivileged(script: str, prepare: str = "") -> str:
    """What a Python child prints, for which `folder` is read-only, whoever runs the tests.

    `prepare` runs before, with `folder` writable.
    """
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        lines = [
            "import os, sys; from pathlib import Path; folder = Path(sys.argv[1])",
            "import encodings.idna, asyncio, storage.file_objects, storage.lock, storage.sqlite_log",
            prepare,
            "os.chmod(folder, 0o555)",
            f"if os.getuid() == 0: os.setgroups([]); os.setgid({_NOBODY}); os.setuid({_NOBODY})",
            script,
        ]
        try:
            return run("\n".join(lines), name)
        finally:
            os.chmod(name, 0o755)
