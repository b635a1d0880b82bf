"""Idempotency-Key: a request that is sent again after a lost answer gets that answer, and acts once.

    router = APIRouter(route_class=IdempotentRoute)

After the draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header). Keys
belong to their caller and live for a day. Only successes are kept: after an error the same key may try
again. What gives out secrets, a token for example, must not be such a route: its answer would be stored.
"""

from collections.abc import Callable, Coroutine
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from collab.api.dependencies import authenticate
from collab.api.problems import Refused
from collab.api.quotas import limit_requests
from collab.backends import Backends
from storage.catalog.values import storable
from storage.clock import unix_milliseconds

HEADER = "Idempotency-Key"

_LONGEST = 200  # characters of a key
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A name of the client's own for this request: sent again within a day, it acts once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": _LONGEST},
}
"""The header, for the OpenAPI document."""

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose POST, PUT, PATCH and DELETE take the header Idempotency-Key."""

    def get_route_handler(self) -> _Handler:
        """The handler, behind a look at what was answered before."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method in ("GET", "HEAD"):
                return await handler(request)
            return await _once(request, key, handler)

        return handle


async def _once(request: Request, key: str, handler: _Handler) -> Response:
    from storage.catalog.idempotency import Answer, Mismatch, Running  # the catalogue's packages take 0.3 s

    caller = await authenticate(request)
    await limit_requests(request, caller, request.app.state.door)  # answers from the table count as well
    backends: Backends = request.app.state.backends
    if not caller.id or backends.catalog is None:
        raise Refused(401, "an Idempotency-Key needs a bearer token", "unauthenticated")
    if not 0 < len(key) <= _LONGEST or not storable(key):
        raise Refused(400, f"an Idempotency-Key has 1 to {_LONGEST} characters", "idempotency_key")
    keys, digest = backends.catalog.idempotency, await _digest(request)
    match await keys.claim(caller.id, key, digest, unix_milliseconds()):
        case Answer(status, body):
            return Response(body, status, {"Idempotency-Replayed": "true"}, "application/json")
        case Mismatch():
            raise Refused(422, "this Idempotency-Key came with another request", "idempotency_mismatch")
        case Running():
            raise Refused(409, "the request with this Idempotency-Key still runs", "idempotency_running")
    kept = False
    try:
        response = await handler(request)
        if kept := 200 <= response.status_code < 300:
            await keys.keep(caller.id, key, response.status_code, bytes(response.body), unix_milliseconds())
        return response
    finally:
        if not kept:
            await keys.release(caller.id, key)


async def _digest(request: Request) -> bytes:
    """Of everything that makes two requests the same."""
    digest = blake2b(f"{request.method} {request.url.path}?{request.url.query}\n".encode(), digest_size=32)
    digest.update(await request.body())
    return digest.digest()
