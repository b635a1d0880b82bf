"""Three nodes that the tests of this folder share; mark them `xdist_group("cluster")`."""

from collections.abc import Iterator

import pytest

from tests.faults.cluster import Cluster
from tests.faults.kinds import KINDS


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Runs; no test leaves a node dead."""
    one = Cluster(tmp_path_factory.mktemp("cluster"), KINDS["kill node"])
    try:
        one.start()
        yield one
    finally:
        one.kill()
