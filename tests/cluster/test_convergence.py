"""Three nodes, thirty clients, ten documents: everybody ends with the same."""

import asyncio
from collections import Counter

import pytest

from tests.faults.checker import check, check_agreement, check_strays
from tests.faults.cluster import Cluster
from tests.faults.history import History
from tests.faults.load import Load
from tests.faults.runs import fresh

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("cluster")]

SECONDS = 3.0  # of typing


async def test_all_clients_fresh_clients_of_each_node_and_a_bare_reload_agree(cluster: Cluster) -> None:
    """Nothing that was sent is missing anywhere, nothing is there twice."""
    history = History()
    load = Load(cluster.urls, history, 4711, documents=10, writers=3, rate=8, retries=True)
    await load.start()
    await asyncio.sleep(SECONDS)
    await load.finish()
    await load.agree()

    sources = {url: await fresh(url, load.documents) for url in cluster.urls}
    sources["a bare reload"] = await asyncio.to_thread(cluster.dump, load.documents)
    await load.stop()

    assert Counter(writer.address.rpartition("/")[0] for writer in load.writers) == dict.fromkeys(
        cluster.urls, 10
    )
    assert len(history.tokens) > 100
    assert check_strays(history) + check_agreement(sources) == []
    for source, contents in sources.items():
        assert check(history, contents, source, complete=True) == []
