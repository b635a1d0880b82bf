"""Bytes that are nearly honest reach pycrdt only where they do it no harm."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_admitted_never_panics_and_can_be_read_back(seed: int, tmp_path: Path) -> None:
    """In a process of its own, so that a crash fails the test and leaves the guilty bytes."""
    trace = tmp_path / "trace"
    command = [sys.executable, "-m", "tests.collab.updates.fuzz", "2500", str(seed), str(trace)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert child.returncode == 0, f"{child.stderr}\n{trace.read_text()}"
    results = dict(result.split("=") for result in child.stdout.split())
    assert all(int(results[name]) > 100 for name in ("applied", "refused", "waited"))
