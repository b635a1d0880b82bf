"""What an object store in S3 is told: which bucket, and how long to wait. Reading it imports no client."""

from dataclasses import dataclass, field
from typing import Any

_MAX_PREFIX = 256  # bytes; a key has at most 1024, and the longest name of `storage.keys` about 700


@dataclass(frozen=True, slots=True)
class S3Config:
    """Which bucket, and how to get at it; the settings S3_*. Raises ValueError for what cannot be meant.

    Attributes:
        bucket: its name.
        endpoint: the server's URL; "" is AWS.
        prefix: what all keys start with, with a slash behind it; so installations can share a bucket.
        region: of the bucket; most servers other than AWS take any.
        access_key: with `secret_key`; both "" leave it to AWS' own ways, such as the machine's role.
        secret_key: never shown.
        encryption: on the server: "", "AES256", "aws:kms" (the bucket's key) or "aws:kms:<key id>".
        path_style: the bucket stands in the path of URLs, not in their host name.
        create_bucket: the bucket is created if it is not there. For development.
    """

    bucket: str
    endpoint: str = ""
    prefix: str = ""
    region: str = "us-east-1"
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    encryption: str = ""
    path_style: bool = True
    create_bucket: bool = False

    def __post_init__(self) -> None:
        if not self.bucket:
            raise ValueError("S3_BUCKET is empty")
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("S3_ACCESS_KEY and S3_SECRET_KEY belong together")
        if self.encryption not in ("", "AES256", "aws:kms") and not self.encryption.startswith("aws:kms:"):
            raise ValueError("S3_ENCRYPTION is AES256, aws:kms, aws:kms:<key id> or empty")
        if len(self.key_prefix) > _MAX_PREFIX or not self.prefix.isascii() or self.prefix.startswith("/"):
            raise ValueError(f"S3_PREFIX is ASCII, starts with no slash and has at most {_MAX_PREFIX} bytes")

    @property
    def key_prefix(self) -> str:
        """What stands before an object's name in its key."""
        return f"{self.prefix.rstrip('/')}/" if self.prefix else ""

    @property
    def encryption_fields(self) -> dict[str, Any]:
        """The fields of a write request that ask for encryption."""
        if self.encryption.startswith("aws:kms:"):
            key = self.encryption.removeprefix("aws:kms:")
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        return {"ServerSideEncryption": self.encryption} if self.encryption else {}


@dataclass(frozen=True, slots=True)
class S3Limits:
    """How long to wait and how much to do at once. Times are in seconds.

    Attributes:
        connect: for one connection.
        silence: in which an answer under way brings nothing.
        total: for one request of at most 8 MiB with its retries and the wait for a free connection; reading
            a larger object has more, by its size.
        attempts: of one request.
        connections: requests at once; further ones wait.
    """

    connect: float = 3.0
    silence: float = 15.0
    total: float = 40.0
    attempts: int = 5
    connections: int = 32
