"""The opening benchmark runs and opens what it stored."""

from pathlib import Path

import pytest

from benchmarks.opening import final_state, measure

TRACES = Path(__file__).parent.parent / "data" / "traces"


@pytest.mark.anyio
async def test_a_stored_session_is_opened_as_often_as_asked(tmp_path: Path) -> None:
    [trace, *_] = sorted(TRACES.glob("*sveltecomponent*.gz"))

    assert len(await measure(final_state(trace), tmp_path, 3)) == 3
