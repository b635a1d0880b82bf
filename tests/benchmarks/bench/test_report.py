"""What is shown is what was found: medians, ratios, failures."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench.latencies import Latencies
from benchmarks.bench.outcome import Outcome
from benchmarks.bench.page import page
from benchmarks.bench.report import Report, join_reports, make_report, read_report
from benchmarks.bench.running import Run
from benchmarks.bench.tables import markdown, rows, shown


def _run(server: str, repeat: int, cost: float) -> Run:
    times = Latencies()
    times.add([0.001 * cost, 0.002 * cost])
    outcome = Outcome({"server CPU s per 1000 edits": cost, "generator load": 0.2}, {"edit": times})
    return Run("classroom", server, repeat, outcome)


@pytest.fixture
def report() -> Report:
    runs = [
        *(_run("ours", 1, 1.0), _run("theirs", 1, 4.0), _run("ours", 2, 3.0), _run("theirs", 2, 6.0)),
        *(_run("ours", 3, 2.0), Run("classroom", "theirs", 3, None, "NotConvergedError: <lost>")),
    ]
    return make_report("studyhub bench classroom", "smoke", runs)


def test_medians_have_ratios_to_the_first_server(report: Report) -> None:
    assert list(rows(report, "classroom")) == [
        ["", "ours", "theirs"],
        ["runs", "3", "2, 1 failed"],
        ["server CPU s per 1000 edits", "2", "5 (2.5)"],
        ["generator load", "0.2", "0.2"],
    ]


def test_a_file_gives_the_report_back(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(report.to_json())

    again = read_report(file)

    assert again.to_json() == report.to_json()
    assert list(rows(again, "classroom")) == list(rows(report, "classroom"))
    assert len(again.latencies("classroom", "theirs", "edit")) == 4


def test_series_of_one_machine_are_joined(report: Report) -> None:
    other = make_report("studyhub bench join", "smoke", [replace(report.runs[0], scenario="join")])

    both = join_reports([report, other])

    assert both.scenarios == ["classroom", "join"]
    assert both.command == "studyhub bench classroom; studyhub bench join"
    with pytest.raises(ValueError, match="different"):
        join_reports([report, replace(other, machine={"processor": "another"})])


def test_results_say_machine_date_versions_and_failures(report: Report) -> None:
    text = markdown(report)

    for fact in ("| processor |", f"| date | {report.date} |", "pycrdt ", "`studyhub bench classroom`"):
        assert fact in text
    assert "theirs: NotConvergedError: <lost>" in text


def test_the_page_stands_alone(report: Report) -> None:
    text = page(report)

    assert "<svg" in text
    assert "NotConvergedError: &lt;lost&gt;" in text
    assert "<script" not in text
    assert "src=" not in text
    assert "href=" not in text


def test_a_server_that_only_failed_is_shown_without_figures() -> None:
    report = make_report(
        "bench", "smoke", [_run("ours", 1, 1.0), Run("classroom", "theirs", 1, None, "gone")]
    )

    assert list(rows(report, "classroom"))[2] == ["server CPU s per 1000 edits", "1", ""]
    assert "<svg" in page(report)


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1,234"), (999.9, "1,000"), (0.01234, "0.0123"), (12.34, "12.3"), (None, "")]
)
def test_figures_have_three_digits_that_count(value: float | None, text: str) -> None:
    assert shown(value) == text
