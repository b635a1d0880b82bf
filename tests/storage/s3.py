"""Object stores in the S3 servers of the tests."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

from storage.s3_config import S3Config, S3Limits
from storage.s3_objects import S3Objects
from tests.servers import S3Server

QUICK = S3Limits(connect=1.0, silence=1.0, total=3.0, attempts=2)


def config_of(server: S3Server, **changes: Any) -> S3Config:
    """A new bucket on `server`, created by `start`."""
    fields: dict[str, Any] = {
        "bucket": f"bucket-{secrets.token_hex(6)}",
        "endpoint": server.url,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "create_bucket": True,
    }
    return S3Config(**fields | changes)


@contextlib.asynccontextmanager
async def opened(config: S3Config, limits: S3Limits | None = None) -> AsyncIterator[S3Objects]:
    """A store that was started, closed afterwards."""
    objects = S3Objects(config, limits)
    try:
        await objects.start()
        yield objects
    finally:
        await objects.close()
