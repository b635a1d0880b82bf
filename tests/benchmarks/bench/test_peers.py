"""Every peer takes part in a comparison."""

import pytest

from benchmarks.bench import peers
from benchmarks.bench.running import generate
from benchmarks.bench.scenarios import SCENARIOS
from benchmarks.bench.sizes import SMOKE

pytestmark = pytest.mark.xdist_group("bench peers")


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    peers.install()


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_class_types_on_every_peer(name: str) -> None:
    with peers.running(peers.PEERS[name]) as target:
        outcome = generate(SCENARIOS["classroom"], target, SMOKE)

    assert outcome.figures["edit p50 ms"] > 0


def test_a_peer_that_does_not_start_is_told_with_its_output() -> None:
    broken = peers.Peer("broken", "relay", ("node", "-e", "console.log('no way'); process.exit(1)"))

    with pytest.raises(peers.PeerError, match="no way"), peers.running(broken):
        pass
