"""Browsers, unmodified y-websocket clients and pycrdt clients in one document."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from benchmarks.client import Client
from benchmarks.server import ServerProcess
from tests.interop.node import NodeClients, install, node_clients
from tests.interop.views import same, scramble, view
from tests.web.conftest import Visit

pytestmark = pytest.mark.anyio


@pytest.fixture
async def node() -> AsyncIterator[NodeClients]:
    install()
    async with node_clients() as clients:
        yield clients


def _add_paragraph(client: Client, words: str) -> None:
    paragraph = client.doc.get("body", type=XmlFragment).children.append(XmlElement("paragraph"))
    paragraph.children.append(XmlText(words))


async def test_all_kinds_of_clients_converge_in_one_guide(
    tmp_path: Path, visit: Visit, node: NodeClients
) -> None:
    with ServerProcess(tmp_path) as server:  # open to every name, so that no client needs a token
        ada, ben = await visit(), await visit()
        link = await ada.start_guide(server.http)
        await ben.open(link)
        material = link.split("/m/")[1].split("#")[0]
        await node.connect("node", server.url, material)
        python = Client(server.url, material)
        await python.connect()

        await ada.write("From Ada 😀 ")
        await python.edit(lambda: _add_paragraph(python, "from Python 語 שלום"))
        for part in range(3):
            await node.ask("scramble", "node", seed=part, count=20)
            await scramble(python, 10 + part, 20)
        await ben.sees("from Python 語 שלום")
        await ada.sees("from Python 語 שלום")
        await ben.sees("From Ada 😀")
        await python.until_saved()
        await ada.saved()

        late = Client(server.url, material)
        await late.connect()
        await late.until(lambda: view(late.doc) == view(python.doc))
        await node.until("node", lambda state: same(state, late.doc) and not state["pending"])
        body = str(late.doc.get("body", type=XmlFragment))
        assert "From Ada 😀" in body
        assert "from Python 語 שלום" in body
        await late.close()
        await python.close()
