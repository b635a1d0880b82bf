"""S3: the contract on an imitation and on a real server, names, large objects, settings, encryption."""

import asyncio
import gc
import json
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from storage.base import ObjectStore
from storage.errors import Missing, StorageError, Unavailable
from storage.keys import SnapshotKey, snapshot_prefix
from storage.s3_config import S3Config, S3Limits
from storage.s3_objects import PART, S3Objects
from storage.testing import ObjectStoreContract
from storage.values import Cursor
from tests.servers import Moto, Rclone, S3Server, SeaweedFS
from tests.storage.processes import run
from tests.storage.s3 import QUICK, config_of, opened

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with SeaweedFS(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


class TestMoto(ObjectStoreContract):
    @pytest.fixture
    async def objects(self, moto: S3Server) -> AsyncIterator[ObjectStore]:
        async with opened(config_of(moto)) as objects:
            yield objects


class TestSeaweedFS(ObjectStoreContract):
    @pytest.fixture
    async def objects(self, seaweed: S3Server) -> AsyncIterator[ObjectStore]:
        async with opened(config_of(seaweed, prefix=f"studyhub/{secrets.token_hex(4)}")) as objects:
            yield objects


@pytest.fixture(params=["moto", "seaweed"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, S3Server)
    return found


@pytest.mark.parametrize("doc", ["A b+c/%2F", "日本語 \x00", "é" * 100, "..", "a?x=1&y#z", "\"<&>'", "~!*()"])
async def test_names_of_any_material_come_back_as_they_were(server: S3Server, doc: str) -> None:
    name = SnapshotKey(doc, Cursor(1, 7), 12345, "0" * 32).name
    async with opened(config_of(server, prefix="a b+%2f/ü".encode().hex())) as objects:
        await objects.put(name, doc.encode())
        assert await objects.list(snapshot_prefix(doc)) == [name]
        assert await objects.get(name) == doc.encode()
        await objects.delete(name)
        assert await objects.list(snapshot_prefix(doc)) == []


async def test_prefixes_keep_installations_apart(moto: S3Server) -> None:
    config = config_of(moto)
    async with (
        opened(config_of(moto, bucket=config.bucket, prefix="one")) as one,
        opened(config_of(moto, bucket=config.bucket, prefix="one+/")) as two,
        opened(config_of(moto, bucket=config.bucket)) as whole,
    ):
        await one.put("a/1", b"one")
        await two.put("a/1", b"two")
        assert (await one.get("a/1"), await two.get("a/1")) == (b"one", b"two")
        assert await one.list("") == ["a/1"]
        assert await whole.list("") == ["one+/a/1", "one/a/1"]


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../a", "a/./b", "ä", "a\n"])
async def test_names_that_are_none_are_refused(name: str) -> None:
    objects = S3Objects(S3Config(bucket="none"))
    for call in (objects.put(name, b""), objects.get(name), objects.delete(name)):
        with pytest.raises(ValueError, match="not an object name"):
            await call


async def test_a_long_list_comes_in_pages(seaweed: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(config_of(seaweed)) as objects:
        names = [f"snapshots/{number:04d}%2f+/x" for number in range(1100)]
        await asyncio.gather(*(objects.put(name, b"") for name in names))
        assert await objects.list("snapshots/") == names
        assert await objects.list("snapshots/109") == names[1090:]
        client = await objects._open()
        monkeypatch.setattr(client, "list_objects_v2", partial(client.list_objects_v2, MaxKeys=50))
        assert await objects.list("snapshots/") == names


@pytest.mark.parametrize("size", [PART, PART + 1, 20_000_000])
async def test_a_large_object_comes_back(server: S3Server, size: int) -> None:
    data = secrets.token_bytes(1_000_003) * (size // 1_000_003 + 1)
    async with opened(config_of(server)) as objects:
        await objects.put("media/a", data[:size])
        assert await objects.get("media/a") == data[:size]
        assert await objects.list("") == ["media/a"]


async def test_a_bucket_that_is_not_there_is_unavailable_not_empty(server: S3Server) -> None:
    objects = S3Objects(config_of(server, create_bucket=False), QUICK)
    for call in (objects.get("a"), objects.list(""), objects.put("a", b""), objects.start()):
        with pytest.raises(Unavailable, match="S3_BUCKET"):
            await call
    await objects.close()


async def test_wrong_keys_are_unavailable_with_a_hint(seaweed: S3Server) -> None:
    objects = S3Objects(config_of(seaweed, secret_key="wrong"))
    for call in (objects.get("a"), objects.list(""), objects.put("a", b""), objects.delete("a")):
        with pytest.raises(Unavailable, match="S3_SECRET_KEY") as caught:
            await call
        assert "wrong" not in str(caught.value)
    await objects.close()


async def test_an_endpoint_that_is_no_url_is_unavailable() -> None:
    objects = S3Objects(S3Config(bucket="bucket", endpoint="nonsense", access_key="a", secret_key="b"), QUICK)
    with pytest.raises(Unavailable, match="S3_ENDPOINT"):
        await objects.start()
    await objects.close()


async def test_every_server_passes_the_probe_and_nothing_is_left(server: S3Server, tmp_path: Path) -> None:
    with Rclone(tmp_path) as rclone:
        for one in (server, rclone):
            async with opened(config_of(one)) as objects:
                await objects.probe()
                assert await objects.list("") == []


@pytest.mark.parametrize("fault", ["put", "get", "list", "delete"])
async def test_the_probe_refuses_a_store_that_does_not_do_what_it_says(
    moto: S3Server, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async with opened(config_of(moto)) as objects:
        answers: dict[str, object] = {"put": None, "get": b"other", "list": [], "delete": None}

        async def lie(*arguments: object) -> object:
            return answers[fault]

        monkeypatch.setattr(objects, fault, lie)
        with pytest.raises(StorageError):
            await objects.probe()


@pytest.mark.parametrize(
    ("encryption", "headers"),
    [
        ("", {}),
        ("AES256", {"x-amz-server-side-encryption": "AES256"}),
        ("aws:kms", {"x-amz-server-side-encryption": "aws:kms"}),
        (
            "aws:kms:arn:aws:kms:eu-west-1:1:key/k",
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/k",
            },
        ),
    ],
)
async def test_every_new_object_asks_for_its_encryption(
    moto: S3Server, encryption: str, headers: dict[str, str]
) -> None:
    sent: dict[str, dict[str, str]] = {}

    def note(request: Any, event_name: str, **_: Any) -> None:
        found = {name.lower(): _text(value) for name, value in request.headers.items()}
        sent[event_name] = {name: found[name] for name in found if "encryption" in name}

    async with opened(config_of(moto, encryption=encryption)) as objects:
        (await objects._open()).meta.events.register("before-send.s3", note)
        await objects.put("small", b"x")
        await objects.put("large", bytes(PART + 1))
    assert sent["before-send.s3.PutObject"] == headers
    assert sent["before-send.s3.CreateMultipartUpload"] == headers
    assert sent["before-send.s3.UploadPart"] == {}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


async def test_a_closed_store_is_unavailable_and_leaks_nothing(moto: S3Server) -> None:
    async with opened(config_of(moto)) as objects:
        await objects.put("a", b"x")
    for call in (objects.get("a"), objects.put("b", b""), objects.list("")):
        with pytest.raises(Unavailable, match="closed"):
            await call
    await objects.close()
    gc.collect()  # an unclosed connection warns here, and warnings are errors


async def test_missing_is_said_of_one_name_only(moto: S3Server) -> None:
    async with opened(config_of(moto)) as objects:
        with pytest.raises(Missing) as caught:
            await objects.get("a/never")
        assert caught.value.name == "a/never"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"bucket": ""}, "S3_BUCKET"),
        ({"access_key": "a"}, "belong together"),
        ({"encryption": "rot13"}, "S3_ENCRYPTION"),
        ({"encryption": "aws:kmsx"}, "S3_ENCRYPTION"),
        ({"prefix": "/a"}, "S3_PREFIX"),
        ({"prefix": "ä"}, "S3_PREFIX"),
        ({"prefix": "a" * 256}, "S3_PREFIX"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        S3Config(**({"bucket": "bucket"} | wrong))  # type: ignore[arg-type]


def test_the_secret_is_never_shown() -> None:
    assert "hush" not in repr(S3Config("bucket", access_key="key", secret_key="hush"))


def test_the_client_is_imported_where_it_is_needed_only() -> None:
    modules = run("import json, sys, storage.s3_config; print(json.dumps(list(sys.modules)))")
    assert not {"aioboto3", "botocore", "aiohttp"} & set(json.loads(modules))
    assert "aioboto3" in sys.modules


def test_the_default_limits_stay_within_a_minute() -> None:
    limits = S3Limits()
    assert limits.connect < limits.silence < limits.total < 60
