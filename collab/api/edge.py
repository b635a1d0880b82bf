"""What every HTTP request meets first: a correlation id, a bounded body, and the metrics of its answer."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from collab import metrics

REQUEST_ID = "X-Request-ID"

_GIVEN_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)  # anything else could forge a log line
_UNMATCHED = "(none)"  # the route of what fits none


class Correlation:
    """Gives a request its id, on each of its log lines and in the answer; takes one that a proxy gave.

    It also counts the request under the template of its route: paths themselves would be labels without end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                route = _template(scope)
                metrics.http_requests.labels(scope["method"], route, str(status)).inc()
                metrics.http_seconds.labels(route).observe(time.perf_counter() - started)


class BodyLimit:
    """Ends the reading of a request's body above `limit` bytes with HTTPException 413.

    Starlette's own middleware for it answers in plain text.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        size = 0

        async def receive_bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(413, f"the body is above {self._limit} bytes")
            return message

        await self._app(scope, receive_bounded, send)


class AnswerHeaders:
    """Adds to an answer, be it an error or not, the headers that a route left by `paging.leave_header`.

    Answers hold tokens and what only their reader may see, so no cache keeps them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                left: Mapping[str, str] = scope.get("state", {}).get("headers", {})
                headers = MutableHeaders(scope=message)
                headers.update(left)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _template(scope: Mapping[str, Any]) -> str:
    """The path of the route that answered, with its parameters by name."""
    route, root = scope.get("route"), scope.get("root_path", "")
    if isinstance(route, Mount):  # files, or a path that no route of the API has
        return f"{root}/*"
    return f"{root}{route.path}" if isinstance(route, Route) else _UNMATCHED
