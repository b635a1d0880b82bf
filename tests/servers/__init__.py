"""Real servers for tests, each in a folder of its own and on a free port of loopback.

    with Valkey(tmp_path) as valkey:
        ...talk to valkey.url...
        valkey.kill()
        valkey.start()  # same port, same data

They block, so a coroutine calls `await asyncio.to_thread(valkey.start)`. `make test` installs them.
"""

from tests.servers.oidc import OidcProvider
from tests.servers.postgres import Postgres
from tests.servers.process import Server
from tests.servers.s3 import Moto, Rclone, S3Server, SeaweedFS
from tests.servers.valkey import Valkey

__all__ = ["Moto", "OidcProvider", "Postgres", "Rclone", "S3Server", "SeaweedFS", "Server", "Valkey"]
