"""Recorded sessions through a real server: every client ends with the recorded text."""

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from benchmarks.authoring import make_steps
from benchmarks.replay import Options, Report, replay, run, run_length, socket_url
from benchmarks.server import ServerProcess
from benchmarks.trace import Patch, Trace, Transaction, load

TRACES = Path(__file__).parents[1] / "data" / "traces"


@pytest.mark.anyio
@pytest.mark.parametrize("plain", [False, True], ids=["studyhub.v1", "plain y-websocket"])
async def test_two_people_typing_at_once_give_the_recorded_text_everywhere(
    tmp_path: Path, plain: bool
) -> None:
    trace = load(TRACES / "friendsforever.json.gz")
    steps = make_steps(trace, 5, run_length(trace, 5))
    with ServerProcess(tmp_path) as server:

        def restart() -> None:
            server.kill()
            server.start()

        report = await run(trace, steps, server.url, Options(5, 1000, plain, None), restart)

    names = [*(f"client {number}" for number in range(1, 6)), "late joiner", "after a restart"]
    assert list(report.texts) == names
    assert report.differing == []
    assert report.edits == len(trace.transactions)


@pytest.mark.parametrize("name", ["automerge-paper-2000", "json-crdt-patch-2000", "sveltecomponent-2000"])
def test_the_command_replays_a_session_on_a_server_of_its_own(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    replay(TRACES / f"{name}.json.gz", clients=3)

    shown = capsys.readouterr().out
    assert shown.count("equal") == 5  # three clients, a late joiner, after a restart
    assert "not checked" not in shown


@pytest.mark.anyio
async def test_another_text_than_the_recorded_one_is_reported(tmp_path: Path) -> None:
    trace = Trace(1, [Transaction(0, (), (Patch(0, 0, "abc"),))], "abc")
    steps = make_steps(trace, 1, 1)
    with ServerProcess(tmp_path) as server:
        report = await run(
            replace(trace, content="abd"), steps, server.url, Options(1, 10, False, None), None
        )

    assert report.texts == {"client 1": "abc", "late joiner": "abc", "after a restart": None}
    assert report.differing == ["client 1", "late joiner"]


def test_a_difference_ends_the_command_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def differing(*_: object, **__: object) -> Report:
        return Report("abc", seconds=1.0, texts={"client 1": "abd", "after a restart": None})

    monkeypatch.setattr("benchmarks.replay.run", differing)

    with pytest.raises(typer.Exit) as ended:
        replay(TRACES / "automerge-paper-2000.json.gz", url="http://127.0.0.1:9")

    assert ended.value.exit_code == 1


def test_a_server_that_does_not_answer_ends_the_command_with_an_error() -> None:
    with pytest.raises(typer.Exit) as ended:
        replay(TRACES / "automerge-paper-2000.json.gz", url="http://127.0.0.1:9")

    assert ended.value.exit_code == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/collab"),
        ("https://notes.example/", "wss://notes.example/collab"),
        ("ws://127.0.0.1:1234/yjs", "ws://127.0.0.1:1234/yjs"),
    ],
)
def test_the_address_of_a_server_becomes_that_of_its_socket(given: str, expected: str) -> None:
    assert socket_url(given) == expected
