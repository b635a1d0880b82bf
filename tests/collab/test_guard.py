"""The crash-loop guard."""

from pathlib import Path

from collab.guard import CrashGuard


def crash(folder: Path, *materials: str) -> None:
    """A server opens the materials and ends without closing them."""
    guard = CrashGuard(folder)
    for material in materials:
        guard.opened(material)


def test_a_document_that_was_open_at_two_crashes_in_a_row_is_suspect(tmp_path: Path) -> None:
    crash(tmp_path, "bad", "good")
    assert not CrashGuard(tmp_path).is_suspect("bad")

    crash(tmp_path, "bad")
    guard = CrashGuard(tmp_path)
    assert guard.is_suspect("bad")
    assert not guard.is_suspect("never opened")


def test_a_document_that_was_closed_in_between_is_not(tmp_path: Path) -> None:
    crash(tmp_path, "m")
    guard = CrashGuard(tmp_path)
    guard.opened("m")
    guard.closed("m")
    crash(tmp_path, "m")

    assert not CrashGuard(tmp_path).is_suspect("m")
