"""The gateway passes on, refuses and parts as it is told."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.gateway import Gateway
from tests.servers import Valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path / "valkey") as valkey:
        yield valkey


@pytest.fixture
def gateway(tmp_path: Path, valkey: Valkey) -> Iterator[Gateway]:
    with Gateway(tmp_path / "gateway", valkey.port) as gateway:
        yield gateway


def _through(valkey: Valkey, gateway: Gateway) -> bytes:
    """The answer to a PING that goes through the gateway."""
    direct, valkey.port = valkey.port, gateway.port
    try:
        return valkey.call("PING")
    finally:
        valkey.port = direct


def test_what_is_parted_gets_no_answer_until_it_is_together_again(valkey: Valkey, gateway: Gateway) -> None:
    assert _through(valkey, gateway) == b"+PONG"

    gateway.pause()
    with pytest.raises(TimeoutError):
        _through(valkey, gateway)
    assert valkey.call("PING") == b"+PONG"

    gateway.resume()
    assert _through(valkey, gateway) == b"+PONG"


def test_a_refusal_is_a_503_until_it_is_over(valkey: Valkey, gateway: Gateway) -> None:
    gateway.refuse()
    while True:  # until the signal has come
        try:
            urllib.request.urlopen(gateway.url, timeout=5)
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 503
            break
        except OSError:
            continue

    gateway.allow()
    while True:
        try:
            if _through(valkey, gateway) == b"+PONG":
                break
        except OSError:
            continue
