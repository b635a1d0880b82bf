"""A recorded session through participants."""

from pathlib import Path

import pytest

from benchmarks.authoring import make_steps
from benchmarks.inside import run_inside
from benchmarks.trace import load

TRACES = Path(__file__).parent.parent / "data" / "traces"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["json-crdt-patch-2000", "automerge-paper-2000"])
async def test_participants_end_with_the_recorded_text(name: str, tmp_path: Path) -> None:
    trace = load(TRACES / f"{name}.json.gz")
    report = await run_inside(trace.content, make_steps(trace, 3, 100), 3, tmp_path)

    assert set(report.texts) == {"author 1", "author 2", "author 3", "late joiner", "after a restart"}
    assert report.differing == []
