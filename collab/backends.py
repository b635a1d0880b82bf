"""What a node stores in and talks over, opened as the settings say: embedded, or shared by many nodes."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from collab.errors import StartError
from collab.settings import Settings
from storage.base import Bus, Lease, ObjectStore, UpdateLog
from storage.errors import Missing, StorageError
from storage.file_objects import FileObjects
from storage.local_bus import LocalBus
from storage.local_lease import LocalLease
from storage.sqlite_log import SqliteLog

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

_NODE_LEASE = 15.0  # seconds after which a node that died is no longer in the way
_INSTALLATION = "installation"  # the object that says whose objects these are


@dataclass(frozen=True)
class Backends:
    """The backends of one node. Bus and lease default to those of a server on its own."""

    log: UpdateLog
    objects: ObjectStore
    bus: Bus = field(default_factory=LocalBus)
    lease: Lease = field(default_factory=LocalLease)
    catalog: "Catalog | None" = None
    """None where nobody asks for it."""


@asynccontextmanager
async def open_backends(settings: Settings, *, catalog: bool = True) -> AsyncIterator[Backends]:
    """The backends that the settings name, until the block ends. Raises StartError.

    Without `catalog` the catalogue is opened only where the others cannot be found without it.
    """
    async with AsyncExitStack() as stack:
        try:
            backends = await _open(settings, stack, catalog=catalog or settings.redis_url is not None)
        except (StorageError, ValueError) as error:
            raise StartError(str(error)) from error
        yield backends


async def keep_lease(backends: Backends) -> None:
    """Hold a lease as long as this node lives, so that tools see it; until cancelled."""
    name, token = f"node/{backends.log.node}", None
    try:
        while True:
            with suppress(StorageError):
                if token is None or not await backends.lease.renew(name, token, _NODE_LEASE):
                    token = await backends.lease.acquire(name, _NODE_LEASE)
            await asyncio.sleep(_NODE_LEASE / 3)
    finally:
        with suppress(StorageError):
            if token is not None:
                await backends.lease.release(name, token)


async def _open(settings: Settings, stack: AsyncExitStack, *, catalog: bool) -> Backends:
    # Each is closed after those that were opened later.
    known = await _open_catalog(settings, stack) if catalog else None
    objects = await _open_objects(settings, stack)
    if known is not None:
        await _check_owner(objects, known.installation.id)
    if settings.redis_url is None:
        log = SqliteLog(settings.data / "log.db")
        stack.push_async_callback(log.close)
        return Backends(log, objects, catalog=known)
    assert known is not None, "the names in Redis hold the installation's id"
    return await _open_redis(settings, stack, objects, known)


async def _open_catalog(settings: Settings, stack: AsyncExitStack) -> "Catalog":
    from storage.catalog.catalog import Catalog  # SQLAlchemy takes 0.3 s to import

    url = settings.database_url
    known = Catalog(url.get_secret_value() if url else settings.data / "catalog.db")
    stack.push_async_callback(known.close)
    await known.start(_legacy_secret(settings.data))
    return known


async def _open_objects(settings: Settings, stack: AsyncExitStack) -> ObjectStore:
    if not settings.s3_bucket:
        return FileObjects(settings.data / "objects")
    from storage.s3_config import S3Config
    from storage.s3_objects import S3Objects  # aioboto3 takes 0.3 s to import

    objects = S3Objects(
        S3Config(
            bucket=settings.s3_bucket,
            endpoint=settings.s3_endpoint,
            prefix=settings.s3_prefix,
            region=settings.s3_region,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key.get_secret_value(),
            encryption=settings.s3_encryption,
            path_style=settings.s3_path_style,
            create_bucket=settings.s3_create_bucket,
        )
    )
    stack.push_async_callback(objects.close)
    await objects.start()
    return objects


async def _open_redis(
    settings: Settings, stack: AsyncExitStack, objects: ObjectStore, known: "Catalog"
) -> Backends:
    from storage.redis_bus import RedisBus
    from storage.redis_lease import RedisLease
    from storage.redis_log import RedisLog

    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    # Never the name of an earlier process: its last append may still be on its way.
    node = f"{settings.node or socket.gethostname()}-{secrets.token_hex(4)}"
    prefix = f"sh:{known.installation.id[:8]}"  # installations may share a server
    log = RedisLog(
        url, node=node, replicas=settings.redis_replicas, prefix=prefix, volatile=settings.redis_volatile
    )
    stack.push_async_callback(log.close)
    bus = RedisBus(url, node, prefix=prefix)
    stack.push_async_callback(bus.close)
    lease = RedisLease(url, prefix=prefix)
    stack.push_async_callback(lease.close)
    await log.start()
    return Backends(log, objects, bus, lease, known)


async def _check_owner(objects: ObjectStore, installation: str) -> None:
    """Mark the objects as this installation's. Raises StartError where they are another's."""
    try:
        found = json.loads(await objects.get(_INSTALLATION))["id"]
    except Missing:
        await objects.put(_INSTALLATION, json.dumps({"id": installation}).encode())
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"the object {_INSTALLATION!r} is not ours: {error}") from error
    else:
        if found != installation:
            raise StartError(
                f"the objects belong to installation {found}, the catalogue to {installation}; "
                "give every node the same catalogue (STUDYHUB_DATABASE_URL) and the same object store"
            )


def _legacy_secret(data: Path) -> bytes | None:
    """The secret of a server from before there was a catalogue, which its links were signed with."""
    try:
        return (data / "secret").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartError(f"the secret in {data} cannot be read: {error.strerror}") from error
