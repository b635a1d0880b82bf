"""The Python client against a real server."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pycrdt
import pytest

from benchmarks.client import Client
from benchmarks.server import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


class Writer:
    """A client that notes what was acknowledged."""

    def __init__(self, server: ServerProcess, room: str) -> None:
        self.saved: list[tuple[str, str]] = []
        self.client = Client(server.url, room, on_saved=lambda tag, level: self.saved.append((tag, level)))
        self._text = self.client.doc.get("text", type=pycrdt.Text)

    async def write(self, tag: str) -> None:
        await self.client.edit(partial(self._text.insert, len(self._text), tag), tag)


@pytest.fixture
async def writer(server: ServerProcess, room: str) -> AsyncIterator[Writer]:
    writer = Writer(server, room)
    await writer.client.connect()
    yield writer
    await writer.client.kill()


async def _text(server: ServerProcess, room: str) -> str:
    client = Client(server.url, room)
    await client.connect()
    await client.close()
    return str(client.doc.get("text", type=pycrdt.Text))


@pytest.mark.anyio
async def test_every_edit_is_acknowledged_once_and_in_order(writer: Writer) -> None:
    tags = [f"{number} " for number in range(50)]
    for tag in tags:
        await writer.write(tag)

    await writer.client.until_saved()

    assert writer.client.level
    assert writer.saved == [(tag, writer.client.level) for tag in tags]
    assert writer.client.unsaved == 0


@pytest.mark.anyio
async def test_edits_made_before_during_and_after_a_cut_are_acknowledged_once_each(
    server: ServerProcess, room: str, writer: Writer
) -> None:
    writer.client.retries = True
    await writer.write("before ")
    writer.client.cut()
    await writer.write("during ")
    await writer.client.until(lambda: not writer.client.connected)
    await writer.write("offline ")
    await writer.client.until(lambda: writer.client.synced)
    await writer.write("after ")

    await writer.client.until_saved()

    assert writer.client.connections == 2
    assert [tag for tag, _ in writer.saved] == ["before ", "during ", "offline ", "after "]
    assert await _text(server, room) == "before during offline after "


@pytest.mark.anyio
async def test_an_edit_without_a_socket_is_not_counted_as_saved(writer: Writer) -> None:
    writer.client.cut()
    with pytest.raises(ConnectionError):
        await writer.client.until(lambda: False)

    await writer.write("alone")

    assert (writer.saved, writer.client.unsaved) == ([], 1)


@pytest.mark.anyio
async def test_a_killed_client_stays_away(writer: Writer) -> None:
    writer.client.retries = True

    await writer.client.kill()

    assert not writer.client.connected
    assert writer.client.connections == 1


@pytest.mark.anyio
async def test_plain_clients_and_clients_with_acknowledgements_meet(
    server: ServerProcess, room: str, writer: Writer
) -> None:
    plain = Client(server.url, room, plain=True)
    await plain.connect()
    text = plain.doc.get("text", type=pycrdt.Text)

    await writer.write("漢😀")
    await plain.until(lambda: str(text) == "漢😀")
    await plain.edit(lambda: text.insert(0, "a"))
    await plain.until_saved()

    assert await _text(server, room) == "a漢😀"
    assert plain.unsaved == 0
    await plain.kill()


@pytest.mark.anyio
async def test_an_update_made_elsewhere_is_applied_and_sent(
    server: ServerProcess, room: str, writer: Writer
) -> None:
    made: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    made.get("text", type=pycrdt.Text).insert(0, "made")

    await writer.client.send_update(made.get_update(), "tag")
    await writer.client.until_saved()

    assert str(writer.client.doc.get("text", type=pycrdt.Text)) == "made"
    assert await _text(server, room) == "made"


@pytest.mark.anyio
async def test_connecting_to_nothing_is_an_error() -> None:
    with pytest.raises(OSError):
        await Client("ws://127.0.0.1:9/collab", "room").connect()


@pytest.mark.anyio
async def test_a_restarted_server_keeps_its_port_and_its_data(tmp_path: Path, room: str) -> None:
    with ServerProcess(tmp_path) as server:
        writer = Writer(server, room)
        writer.client.retries = True
        await writer.client.connect()
        await writer.write("kept")
        await writer.client.until_saved()
        url, pid = server.url, server.pid

        server.kill()
        server.start()
        await writer.client.until(lambda: writer.client.connections == 2 and writer.client.synced)

        assert (server.url, server.pid != pid) == (url, True)
        assert await _text(server, room) == "kept"
        await writer.client.kill()


def test_a_server_that_cannot_start_is_reported_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="StudyHub"):
        ServerProcess(tmp_path, STUDYHUB_AUTH="nonsense").start()
