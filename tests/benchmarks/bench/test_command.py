"""The command as people call it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.bench import measure
from benchmarks.bench.command import app
from benchmarks.bench.scenarios import SCENARIOS

pytestmark = pytest.mark.xdist_group("bench")


def _call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_a_run_writes_json_a_page_and_results_and_can_be_shown_again(tmp_path: Path) -> None:
    found, shown, results = tmp_path / "a.json", tmp_path / "a.html", tmp_path / "a.md"

    code, _ = _call(
        *("classroom", "--profile", "smoke", "--clients", "3"),
        *("--json", str(found), "--html", str(shown), "--markdown", str(results)),
    )

    assert code == 0
    (run,) = json.loads(found.read_text())["runs"]
    assert (run["scenario"], run["server"], run["failure"]) == ("classroom", "studyhub", "")
    assert "## classroom" in results.read_text()
    assert "<h2>classroom</h2>" in shown.read_text()
    again = tmp_path / "again.md"
    assert _call("report", str(found), "--markdown", str(again))[0] == 0
    assert again.read_text() == results.read_text()


def test_a_failed_run_ends_the_command_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "BUSY", 0.0)

    code, output = _call("classroom", "--profile", "smoke")

    assert code == 1
    assert "GeneratorBusyError" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("classroom", "--profile", "huge"),
        ("idle", "--max"),
        ("nodes",),
        ("ack", "--url", "ws://h:1", "--dialect", "x"),
    ],
)
def test_what_does_not_exist_is_named(arguments: tuple[str, ...]) -> None:
    code, output = _call(*arguments)

    assert code == 2
    assert output.strip()


def test_every_scenario_has_a_command() -> None:
    _, output = _call("--help")

    assert all(name in output for name in (*SCENARIOS, "all", "report"))
