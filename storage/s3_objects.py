"""Objects in a bucket of S3, or of a server that speaks its protocol.

One client per process, opened by the first call. An object above 8 MiB is sent in parts, and appears whole
when the last is confirmed. The client's own retries are off: `stamina` repeats what may pass the next time,
because only here one deadline can span all attempts of a request and the wait for a free connection.

The client is slow to import, so this module is imported where S3 is configured and nowhere else.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import aioboto3
import stamina
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError

from storage.errors import Missing, Unavailable
from storage.s3_config import S3Config, S3Limits
from storage.s3_errors import FAILURES, HINT_AWAY, code_of, may_pass, translated

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

T = TypeVar("T")

PART = 8 * 1024 * 1024
"""Bytes of one part of a large object; S3 takes at most 10,000 parts, each but the last at least 5 MiB."""

_SLOWEST = 256 * 1024  # bytes per second; a slower transfer counts as an outage
_ABORT = 5.0  # seconds for giving up the parts of a failed upload


class S3Objects:
    """An ObjectStore in a bucket. Every failure but a name that was never written is Unavailable."""

    def __init__(self, config: S3Config, limits: S3Limits | None = None) -> None:
        self._config = config
        self._limits = limits or S3Limits()
        self._slots = asyncio.Semaphore(self._limits.connections)
        self._stack = contextlib.AsyncExitStack()  # holds the client open
        self._client: S3Client | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Create the bucket if that is configured, then probe it. Raises Unavailable."""
        if self._config.create_bucket:
            await self._create_bucket()
        await self.probe()

    async def probe(self) -> None:
        """Write, read, list and delete an object. Raises Unavailable if the bucket does not serve."""
        folder = f"probe/%2f+/{secrets.token_hex(8)}/"
        name, data = f"{folder}a%2fb+c", secrets.token_bytes(16)
        _check(await self._is_missing(name), name, "an object never written is there")
        await self.put(name, data)
        try:
            _check(await self.get(name) == data, name, "other bytes than written were read")
            _check(await self.list(folder) == [name], name, "the list does not show what was written")
        finally:
            await self.delete(name)
        _check(await self._is_missing(name), name, "a deleted object is there")
        _check(await self.list(folder) == [], name, "the list shows what was deleted")

    async def close(self) -> None:
        """Let go of the connections. Calls under way fail, later ones are Unavailable."""
        self._closed = True
        async with self._opening:
            self._client = None
            await self._stack.aclose()

    async def put(self, name: str, data: bytes) -> None:
        """See ObjectStore. Raises Unavailable."""
        where = self._where(name)
        if len(data) > PART:
            await self._put_parts(name, where, data)
            return
        fields = self._config.encryption_fields
        answer = await self._request(
            "put", name, lambda client, _: client.put_object(**where, Body=data, **fields)
        )
        _field(answer, "ETag", "put", name)

    async def get(self, name: str) -> bytes:
        """See ObjectStore."""
        where = self._where(name)

        async def read(client: "S3Client", deadline: asyncio.Timeout) -> bytes:
            answer = await client.get_object(**where)
            async with answer["Body"] as body:
                _extend(deadline, answer.get("ContentLength", 0))
                return await body.read()

        return await self._request("get", name, read)

    async def list(self, prefix: str) -> list[str]:
        """See ObjectStore."""
        names: list[str] = []
        token: str | None = ""
        while token is not None:
            page, token = await self._page(prefix, token)
            names += page
        return sorted(names)

    async def delete(self, name: str) -> None:
        """See ObjectStore."""
        where = self._where(name)
        with contextlib.suppress(Missing):  # AWS itself does not tell, others do
            await self._request("delete", name, lambda client, _: client.delete_object(**where))

    async def _page(self, prefix: str, token: str) -> tuple[Sequence[str], str | None]:
        """Some of the names that start with `prefix`, and the token of the next page."""
        start = self._config.key_prefix
        fields: dict[str, Any] = {"Bucket": self._config.bucket, "Prefix": start + prefix}
        if token:
            fields["ContinuationToken"] = token
        answer = await self._request("list", prefix, lambda client, _: client.list_objects_v2(**fields))
        more: str | None = None
        # Whatever answers 200 without this is no S3 server, and what it says not an empty list.
        if _field(answer, "IsTruncated", "list", prefix):
            more = str(_field(answer, "NextContinuationToken", "list", prefix))
        keys = [item["Key"] for item in answer.get("Contents", [])]
        return [key.removeprefix(start) for key in keys if key.startswith(start + prefix)], more

    async def _put_parts(self, name: str, where: dict[str, Any], data: bytes) -> None:
        fields = where | self._config.encryption_fields
        created = await self._request("put", name, lambda client, _: client.create_multipart_upload(**fields))
        upload = where | {"UploadId": _field(created, "UploadId", "put", name)}
        try:
            parts = [
                await self._put_part(name, upload, number, data[at : at + PART])
                for number, at in enumerate(range(0, len(data), PART), 1)
            ]
            await self._complete(name, upload, parts, len(data))
        except BaseException:
            await self._abort(upload)
            raise

    async def _put_part(
        self, name: str, upload: dict[str, Any], number: int, body: bytes
    ) -> "CompletedPartTypeDef":
        answer = await self._request(
            "put", name, lambda client, _: client.upload_part(**upload, PartNumber=number, Body=body)
        )
        return {"ETag": _field(answer, "ETag", "put", name), "PartNumber": number}

    async def _complete(
        self, name: str, upload: dict[str, Any], parts: "Sequence[CompletedPartTypeDef]", size: int
    ) -> None:
        async def complete(client: "S3Client", _: asyncio.Timeout) -> None:
            try:
                await client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            except ClientError as error:
                if code_of(error) != "NoSuchUpload":
                    raise
                # An attempt before this one may have completed it, and its answer was lost.
                found = await client.head_object(Bucket=upload["Bucket"], Key=upload["Key"])
                if found["ContentLength"] != size:
                    raise

        await self._request("put", name, complete)

    async def _abort(self, upload: dict[str, Any]) -> None:
        """Drop the parts. One attempt: where it fails, the bucket's own rules remove them."""
        with contextlib.suppress(Unavailable, TimeoutError, *FAILURES):
            async with asyncio.timeout(_ABORT):
                client = await self._open()
                await client.abort_multipart_upload(**upload)

    async def _create_bucket(self) -> None:
        fields: dict[str, Any] = {"Bucket": self._config.bucket}
        if self._config.region != "us-east-1":  # the one region that must not be named
            fields["CreateBucketConfiguration"] = {"LocationConstraint": self._config.region}

        async def create(client: "S3Client", _: asyncio.Timeout) -> None:
            try:
                await client.create_bucket(**fields)
            except ClientError as error:
                if code_of(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise

        await self._request("create bucket", self._config.bucket, create)

    async def _is_missing(self, name: str) -> bool:
        try:
            await self.get(name)
        except Missing:
            return True
        return False

    def _where(self, name: str) -> dict[str, Any]:
        """The fields of a request that say which object."""
        printable = name.isascii() and name.isprintable()
        if not printable or any(part in ("", ".", "..") for part in name.split("/")):
            raise ValueError(f"not an object name: {name!r}")
        return {"Bucket": self._config.bucket, "Key": self._config.key_prefix + name}

    async def _request(
        self, operation: str, name: str, send: "Callable[[S3Client, asyncio.Timeout], Awaitable[T]]"
    ) -> T:
        """What `send` returns, which may run several times. Raises Missing, Unavailable."""
        with translated(operation, name):
            async with asyncio.timeout(self._limits.total) as deadline:
                async for attempt in stamina.retry_context(
                    on=may_pass, attempts=self._limits.attempts, timeout=None, wait_max=2.0, wait_jitter=0.5
                ):
                    with attempt:
                        async with self._slots:
                            return await send(self._client or await self._open(), deadline)
        raise AssertionError("the attempts end with a result or an error")

    async def _open(self) -> "S3Client":
        # Who gives up waiting must not break the opening off: half a client would stay open.
        return await asyncio.shield(asyncio.create_task(self._opened()))

    async def _opened(self) -> "S3Client":
        async with self._opening:
            if self._closed:
                raise Unavailable("open", self._config.bucket, "the object store is closed")
            if self._client is None:
                self._client = await self._stack.enter_async_context(_client(self._config, self._limits))
                self._client.meta.events.register_last("before-call.s3", _send_at_once)
            return self._client


def _client(config: S3Config, limits: S3Limits) -> "contextlib.AbstractAsyncContextManager[S3Client]":
    session = aioboto3.Session(
        aws_access_key_id=config.access_key or None,
        aws_secret_access_key=config.secret_key or None,
        region_name=config.region,
    )
    settings = AioConfig(
        connect_timeout=limits.connect,
        read_timeout=limits.silence,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=limits.connections,
        # Many servers refuse the newer checksums, and every object carries its own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if config.path_style else "virtual"},
    )
    return session.client("s3", endpoint_url=config.endpoint or None, config=settings)


def _send_at_once(params: dict[str, Any], **_: object) -> None:
    """Send a body without asking before: while aiohttp waits for "100 Continue", no timeout of its counts."""
    params["headers"].pop("Expect", None)


def _extend(deadline: asyncio.Timeout, size: int) -> None:
    """Give a transfer of `size` bytes its time."""
    when = deadline.when()
    if when is not None:
        deadline.reschedule(when + size / _SLOWEST)


def _field(answer: Mapping[str, Any], field: str, operation: str, name: str) -> Any:
    """What every S3 server says. Raises Unavailable when the answer does not hold it."""
    if field not in answer:
        raise Unavailable(operation, name, f"the answer has no {field}", hint=HINT_AWAY)
    return answer[field]


def _check(right: bool, name: str, said: str) -> None:
    if not right:
        raise Unavailable("probe", name, said, hint="this bucket cannot keep documents safely")
