"""The opening benchmark runs and opens what it stored."""

from pathlib import Path

import pytest

from benchmarks.opening import final_state, measure, repeated

TRACES = Path(__file__).parent.parent / "data" / "traces"


@pytest.mark.anyio
async def test_a_stored_session_is_opened_as_often_as_asked(tmp_path: Path) -> None:
    [trace, *_] = sorted(TRACES.glob("*sveltecomponent*.gz"))

    seconds, lag = await measure(repeated(final_state(trace), 2), tmp_path, 3)

    assert len(seconds) == 3
    assert lag > 0
