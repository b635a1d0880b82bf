import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.trace import Patch, Transaction, load
from scripts.shorten_trace import shorten

TRACES = Path(__file__).parents[1] / "data" / "traces"


def _file(folder: Path, session: dict[str, Any]) -> Path:
    path = folder / "session.json.gz"
    path.write_bytes(gzip.compress(json.dumps(session).encode()))
    return path


def test_in_a_sequential_session_each_transaction_rests_on_the_one_before(tmp_path: Path) -> None:
    txns = [{"patches": [[0, 0, "a"]]}, {"patches": [[0, 1, "b"], [1, 0, "c"]]}]

    trace = load(_file(tmp_path, {"startContent": "", "endContent": "bc", "txns": txns}))

    assert (trace.agents, trace.content) == (1, "bc")
    assert trace.transactions[1] == Transaction(0, (0,), (Patch(0, 1, "b"), Patch(1, 0, "c")))


@pytest.mark.parametrize(
    "session",
    [
        {"endContent": ""},
        {"endContent": "", "txns": [{"patches": [[0]]}]},
        {"endContent": "x", "startContent": "x", "txns": []},
        {
            "kind": "concurrent",
            "numAgents": 1,
            "endContent": "",
            "txns": [{"agent": 0, "parents": [0], "patches": []}],
        },
    ],
    ids=["no transactions", "half a patch", "starts with a text", "a child before its parent"],
)
def test_a_file_that_is_no_session_is_refused(tmp_path: Path, session: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        load(_file(tmp_path, session))


def test_a_shortened_session_ends_with_the_text_of_its_own_transactions() -> None:
    session = {
        "startContent": "",
        "endContent": "漢xc",
        "txns": [{"patches": [[0, 0, "漢😀b"]]}, {"patches": [[1, 2, "x"]]}, {"patches": [[2, 0, "c"]]}],
    }

    short = shorten(session, 2)

    assert (short["endContent"], len(short["txns"])) == ("漢x", 2)


def test_a_concurrent_session_cannot_be_shortened() -> None:
    with pytest.raises(ValueError, match="concurrent"):
        shorten({"kind": "concurrent"}, 2)


@pytest.mark.parametrize("path", sorted(TRACES.glob("*-2000.json.gz")), ids=lambda path: path.name)
def test_the_kept_files_hold_what_their_name_says(path: Path) -> None:
    assert len(load(path).transactions) == 2000
