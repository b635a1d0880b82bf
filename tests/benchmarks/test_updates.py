"""The benchmark of the gate measures updates that are really ready."""

import pytest

from benchmarks import updates
from benchmarks.updates import Case, cases, describe_index
from collab.updates import admit, survey


@pytest.fixture
def measured() -> list[Case]:
    return list(cases())


def test_every_case_is_ready_whole(measured: list[Case]) -> None:
    for case in measured:
        clocks = updates._clocks(case.before)
        assert admit(case.update, clocks, index=survey([case.before])).ready is case.update


def test_the_index_is_described(measured: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "measure", lambda call: 1000.0 if call() else 0.0)

    assert describe_index(measured[0].before).startswith("index: 1.0 ms to survey, 1000 us to copy, ")
