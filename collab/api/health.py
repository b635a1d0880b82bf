"""Health and metrics endpoints."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collab.hub import Hub
from collab.metrics import exposition
from storage.errors import StorageError


async def live(_: Request) -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> JSONResponse:
    """The node can take edits: it is not draining and the log can be written."""
    hub: Hub = request.app.state.hub
    status = "ready" if hub.accepting else "draining"
    if hub.accepting:
        try:
            await hub.probe()
        except StorageError:
            status = "log unavailable"
    return JSONResponse({"status": status, "level": hub.level}, 200 if status == "ready" else 503)


async def metrics(_: Request) -> Response:
    """Prometheus metrics."""
    return Response(exposition(), media_type=CONTENT_TYPE_LATEST)


ROUTES = [
    Route("/health/live", live),
    Route("/health/ready", ready),
    Route("/metrics", metrics),
]
