"""What the S3 client raises, as errors of storage, and which of it may pass when a request is repeated."""

import contextlib
from collections.abc import Iterator

import aiohttp
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from storage.errors import Missing, StorageError, Unavailable

HINT_AWAY = "check that S3_ENDPOINT is right and reachable"

FAILURES = (BotoCoreError, ClientError, ResponseParserError, aiohttp.ClientError, OSError)
"""All that a request may raise for a reason outside this process."""

_BROKEN = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError, aiohttp.ClientError)
_BUSY = frozenset({"InternalError", "OperationAborted", "RequestTimeout", "SlowDown", "Throttling"})
_HINT_DENIED = (
    "check S3_ACCESS_KEY, S3_SECRET_KEY and the permissions on the bucket; "
    "without s3:ListBucket a missing object is answered like a forbidden one"
)
_HINTS = {
    "NoSuchBucket": "create the bucket or correct S3_BUCKET",
    "RequestTimeTooSkewed": "set this machine's clock",
    "PermanentRedirect": "check S3_REGION and S3_ENDPOINT",
    "AuthorizationHeaderMalformed": "check S3_REGION",
    "NotImplemented": "the server does not know this; check S3_ENCRYPTION",
}


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed when it is repeated."""
    if isinstance(error, ClientError):
        status = _status(error)
        return status in (408, 429) or (status >= 500 and status != 501) or code_of(error) in _BUSY
    return isinstance(error, _BROKEN) and not isinstance(error, SSLError)


@contextlib.contextmanager
def translated(operation: str, name: str) -> Iterator[None]:
    """Failures inside become Missing, when the store says that there is no such object, or Unavailable."""
    try:
        yield
    except ClientError as error:
        raise _refused(operation, name, error) from error
    except TimeoutError as error:
        raise Unavailable(operation, name, "no answer in time", hint=HINT_AWAY) from error
    except (*FAILURES, ValueError) as error:  # ValueError: the endpoint is no URL
        raise Unavailable(operation, name, error, hint=HINT_AWAY) from error


def code_of(error: ClientError) -> str:
    """What S3 calls the error, such as "NoSuchKey"."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refused(operation: str, name: str, error: ClientError) -> StorageError:
    # Not any 404: a proxy's own would let a document open empty.
    if code_of(error) == "NoSuchKey":
        return Missing(operation, name)
    hint = _HINTS.get(code_of(error)) or (_HINT_DENIED if _status(error) == 403 else HINT_AWAY)
    return Unavailable(operation, name, error, hint=hint)
