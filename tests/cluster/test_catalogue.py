"""Two nodes on two machines, so to speak: they share PostgreSQL, Redis and S3, and no folder."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.client import Client
from tests.faults.cluster import Cluster
from tests.faults.kinds import KINDS

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    one = Cluster(tmp_path_factory.mktemp("links"), KINDS["rolling restart"], nodes=2, STUDYHUB_AUTH="links")
    try:
        one.start()
        yield one
    finally:
        one.kill()


def _call(url: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
        return json.loads(answer.read())


async def test_a_share_link_made_on_one_node_opens_on_the_other(installation: Cluster) -> None:
    one, other = installation.nodes
    material = _call(f"{one.http}/api/v1/materials", {"kind": "guide", "title": "Cells"})
    capability = material["links"]["edit"].partition("#k=")[2]

    access = _call(f"{other.http}/api/v1/token", {"id": material["id"], "k": capability})
    writer = Client(other.url, material["id"], token=access["token"])
    reader = Client(one.url, material["id"], token=access["token"])
    for client in (writer, reader):
        await client.connect()

    assert access["role"] == "editor"
    assert reader.doc.get_state() == writer.doc.get_state() != b"\0"
    for client in (writer, reader):
        await client.close()
