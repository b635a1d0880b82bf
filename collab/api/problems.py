"""Errors over HTTP: `application/problem+json` (RFC 9457)."""

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collab import metrics
from collab.auth.rates import TooOften
from collab.errors import CloseCode, Rejected
from collab.logs import log
from storage.errors import StorageError

MEDIA_TYPE = "application/problem+json"

_STATUS: Mapping[CloseCode, int] = {
    CloseCode.MALFORMED: 400,
    CloseCode.UNAUTHENTICATED: 401,
    CloseCode.FORBIDDEN: 403,
    CloseCode.TOO_LARGE: 413,
    CloseCode.REFUSED: 422,
    CloseCode.TOO_MANY: 429,
}


class Refused(Rejected):
    """A refusal with a status of HTTP that no close code has, 404 and 409 for example."""

    def __init__(self, status: int, reason: str, label: str) -> None:
        super().__init__(CloseCode.REFUSED, reason, label)
        self.status = status


class Missing(Refused):
    """There is no such thing, as far as the caller may know: denied and absent look the same."""

    def __init__(self) -> None:
        super().__init__(404, "there is nothing here that you may see", "missing")


class FieldError(BaseModel):
    """One field that is not as it should be."""

    detail: str
    pointer: str
    """Where in the body, a JSON pointer; or the name of a parameter, after `query:`, `path:` or `header:`."""


class Problem(BaseModel):
    """What went wrong: for people in `title`, for programs in `type`, after its `#`."""

    type: str
    title: str
    status: int
    errors: list[FieldError] | None = None


def problem(
    status: int,
    title: str,
    label: str = "",
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldError] = (),
) -> JSONResponse:
    """A problem document; `label` tells programs what `title` tells people."""
    body: dict[str, Any] = {
        "type": f"about:blank#{label}" if label else "about:blank",
        "title": title,
        "status": status,
    }
    if errors:
        body["errors"] = [error.model_dump() for error in errors]
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


async def on_rejected(_: Request, error: Exception) -> JSONResponse:
    """The answer to a request that was refused."""
    assert isinstance(error, Rejected)
    metrics.rejects.labels(error.label).inc()
    status = error.status if isinstance(error, Refused) else _STATUS.get(error.code, 503)
    headers = {"Retry-After": "1"} if status == 503 else {}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, error.reason, error.label, headers)


async def on_unavailable(_: Request, error: Exception) -> JSONResponse:
    """The answer where storage does not."""
    log.error("request failed", error=str(error))
    metrics.rejects.labels("unavailable").inc()
    return problem(503, "the server cannot do this now", "unavailable", {"Retry-After": "5"})


async def on_http_exception(_: Request, error: Exception) -> JSONResponse:
    """The answer to what Starlette itself refuses: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, headers=error.headers)


async def on_invalid(_: Request, error: Exception) -> JSONResponse:
    """The answer to a body or parameter of another form: 400, every field named, no value repeated."""
    assert isinstance(error, RequestValidationError)
    metrics.rejects.labels("body").inc()
    errors = list(_field_errors(error))
    first = errors[0]
    place = first.pointer.removeprefix("#/").replace("/", ".").removeprefix("#")
    title = f"{place}: {first.detail}" if place else first.detail
    return problem(400, title, "body", errors=errors)


async def on_fault(_: Request, error: Exception) -> JSONResponse:
    """The answer to a fault of our own; uvicorn logs the error itself, without the request's id."""
    log.error("request failed", error=type(error).__name__)
    return problem(500, "the server made a mistake", "internal")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Rejected: on_rejected,
    StorageError: on_unavailable,
    HTTPException: on_http_exception,
    RequestValidationError: on_invalid,
}
"""What answers to which exception, for applications of Starlette and FastAPI."""


def _field_errors(error: RequestValidationError) -> Iterator[FieldError]:
    for item in error.errors():
        source, *rest = map(str, item["loc"])
        if source != "body":
            pointer = f"{source}:{'.'.join(rest)}"
        elif item["type"] == "json_invalid":
            pointer = "#"  # pydantic's place is a position in the text
        else:
            pointer = "/".join(["#", *(part.replace("~", "~0").replace("/", "~1") for part in rest)])
        yield FieldError(detail=item["msg"].removeprefix("Value error, "), pointer=pointer)
