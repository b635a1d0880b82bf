"""Servers that speak the protocol of S3."""

import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

from tests.servers.process import Server, free_ports, program

_TIMEOUT = 2.0  # seconds for one request


class S3Server(Server):
    """An S3 server that takes one pair of keys, path addressing and every region."""

    access_key = "studyhub-access"
    secret_key = "studyhub-secret"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """See Server."""
        return _status(self.url) < 500


class Moto(S3Server):
    """moto, an imitation of AWS. It takes any keys, and a stop empties it."""

    def command(self) -> list[str]:
        """See Server."""
        return [program("bin/python"), program("bin/moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]


class Rclone(S3Server):
    """`rclone serve s3` over a folder: a store that ignores the conditions of conditional writes."""

    def command(self) -> list[str]:
        """See Server."""
        (self.folder / "buckets").mkdir(exist_ok=True)
        keys = ("--auth-key", f"{self.access_key},{self.secret_key}")
        where = ("--addr", f"127.0.0.1:{self.port}", str(self.folder / "buckets"))
        return [program("bin/rclone"), "--config", "", "serve", "s3", *keys, *where]


class SeaweedFS(S3Server):
    """SeaweedFS: master, volume server, filer and S3 gateway in one process, durable against SIGKILL."""

    stop_signal = signal.SIGKILL  # in good order it takes ten seconds to end

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        names = ("master", "volume", "filer", "s3")
        ports = free_ports(7)
        self._ports = dict(zip(names, (*ports[:3], self.port), strict=True))
        self._grpc = dict(zip(names, ports[3:], strict=True))

    def command(self) -> list[str]:
        """See Server."""
        (self.folder / "data").mkdir(exist_ok=True)
        config = self.folder / "s3.json"
        config.write_text(json.dumps(self._config()))
        ports = [f"-{name}.port={port}" for name, port in self._ports.items()]
        ports += [f"-{name}.port.grpc={port}" for name, port in self._grpc.items()]
        return [
            *(program("bin/weed"), "server", "-s3", f"-s3.config={config}", f"-dir={self.folder / 'data'}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports, "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-s3.autoCreateBucket=false", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"),
            "-volume.max=1000",  # every bucket takes seven of them, empty files at first
            # After a crash the election alone takes ten seconds unless it is hurried.
            *("-master.heartbeatInterval=50ms", "-master.electionTimeout=100ms", "-volume.preStopSeconds=0"),
        ]

    def is_ready(self) -> bool:
        """See Server. The gateway answers before there is room to write, so the master is asked for that."""
        assign = f"http://127.0.0.1:{self._ports['master']}/dir/assign"
        return super().is_ready() and _status(assign) == 200

    def kill(self) -> None:
        """See Server."""
        super().kill()
        for port in (*self._ports.values(), *self._grpc.values()):
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # not even a good end removes them
                left.unlink(missing_ok=True)

    def _config(self) -> dict[str, object]:
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        return {"identities": [{"name": "studyhub", "credentials": [keys], "actions": actions}]}


def _status(url: str) -> int:
    """The status of a GET. Raises OSError when there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
