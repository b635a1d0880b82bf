"""Errors over HTTP: `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from collab import metrics
from collab.auth.rates import TooOften
from collab.errors import CloseCode, Rejected
from collab.logs import log

_STATUS: Mapping[CloseCode, int] = {
    CloseCode.MALFORMED: 400,
    CloseCode.UNAUTHENTICATED: 401,
    CloseCode.FORBIDDEN: 403,
    CloseCode.TOO_LARGE: 413,
    CloseCode.REFUSED: 422,
    CloseCode.TOO_MANY: 429,
}


def problem(
    status: int, title: str, label: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem document; `label` tells programs what `title` tells people."""
    body = {"type": f"about:blank#{label}" if label else "about:blank", "title": title, "status": status}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def on_rejected(_: Request, error: Exception) -> JSONResponse:
    """The answer to a request that was refused."""
    assert isinstance(error, Rejected)
    metrics.rejects.labels(error.label).inc()
    status = _STATUS.get(error.code, 503)
    if isinstance(error, TooOften):
        headers = {"Retry-After": str(error.retry_after)}
    else:
        headers = {"Retry-After": "1"} if status == 503 else {}
    return problem(status, error.reason, error.label, headers)


def on_unavailable(_: Request, error: Exception) -> JSONResponse:
    """The answer where storage does not."""
    log.error("request failed", error=str(error))
    metrics.rejects.labels("unavailable").inc()
    return problem(503, "the server cannot do this now", "unavailable", {"Retry-After": "5"})


def on_http_exception(_: Request, error: Exception) -> JSONResponse:
    """The answer to what Starlette itself refuses: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, headers=error.headers)
