"""One StudyHub server for the tests of a module."""

from collections.abc import Iterator

import pytest

from benchmarks.bench.servers import own_server
from benchmarks.bench.target import Target


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with own_server() as started:
        yield started
