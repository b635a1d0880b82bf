"""The collaboration endpoint: who is there, which room, then a `Connection` serves it."""

import asyncio
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from collab import metrics
from collab.auth.bearer import Bearer
from collab.auth.door import Door
from collab.auth.grants import Grant
from collab.auth.names import check_id
from collab.auth.rates import Unknown
from collab.connection import Connection
from collab.errors import CloseCode, Rejected
from collab.hub import Hub
from collab.protocol import ywebsocket
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Control
from collab.sharing.visits import Visit
from collab.sockets import close, receive
from collab.wire import ADMIT

SCHEMA = 1
"""Version of the material schemas that this server speaks (`hello` and `meta.schema`)."""

_HELLO_SECONDS = 10.0  # within which a client of our subprotocol says who it is
_HELLO_BYTES = 32 << 10


async def endpoint(websocket: WebSocket) -> None:
    """The endpoint `/collab/<material id>`."""
    hub: Hub = websocket.app.state.hub
    door: Door = websocket.app.state.door
    if not door.allows_origin(websocket.headers.get("origin"), websocket.headers.get("host")):
        metrics.rejects.labels("origin").inc()
        await websocket.close()  # before accept: HTTP 403
        return
    offered: list[str] = websocket.scope["subprotocols"]
    ours = ywebsocket.SUBPROTOCOL in offered
    await websocket.accept(ywebsocket.SUBPROTOCOL if ours else next(iter(offered), None))
    try:
        visit = await _enter(websocket, hub, door, ours=ours)
        try:
            connection = await _open(websocket, hub, door, visit, ours=ours)
        except BaseException:
            hub.visits.leave(visit)
            raise
        await connection.run()
    except WebSocketDisconnect:
        return
    except Rejected as error:
        metrics.rejects.labels(error.label).inc()
        await close(websocket, error.code, error.reason)


async def _open(websocket: WebSocket, hub: Hub, door: Door, visit: Visit, *, ours: bool) -> Connection:
    """A member of its room, who leaves it when the client does. Raises Rejected."""
    room = await hub.open(visit.material, create=visit.grant().create)

    def left() -> None:
        hub.visits.leave(visit)
        metrics.connections.dec()

    connection = Connection(
        websocket,
        hub,
        room,
        visit.grant(),
        ours=ours,
        authorise=partial(_authorise, hub, door, visit),
        on_end=left,
    )
    visit.on_change = partial(_changed, connection, visit, ours=ours)
    connection.greet()
    connection.join()
    metrics.connections.inc()
    return connection


def _authorise(hub: Hub, door: Door, visit: Visit, ticket: str) -> Grant:
    """What the session may do from now on, under `ticket` if there is one. Raises Rejected."""
    if ticket:
        if hub.tickets is not None and hub.tickets.made(ticket):
            visit.renew(hub.tickets.read(ticket, visit.material))
        else:
            door.tokens.check_key(ticket)
            visit.renew(door.bearer(ticket, visit.material))
        hub.visits.touch(visit.material)
    return visit.grant()


def _changed(connection: Connection, visit: Visit, *, ours: bool) -> None:
    """Let the session have what its visit may do now."""
    try:
        grant = visit.grant()
    except Rejected as error:
        connection.reject(error)
        return
    if ours:
        connection.regrant(grant)
    elif grant.role.writes != connection.writes:  # plain y-websocket has no word for it: it comes back
        connection.close(CloseCode.TOKEN_EXPIRED, "your role has changed")


async def _enter(websocket: WebSocket, hub: Hub, door: Door, *, ours: bool) -> Visit:
    """Who the client is, with a role here; `Visits.leave` must follow. Raises Rejected."""
    try:
        material = check_id(websocket.path_params["material"])
        bearer = await _identify(websocket, hub, door, material, ours=ours)
        return await hub.visits.enter(bearer, material)
    except Rejected:
        address = websocket.client.host if websocket.client else ""
        await door.rates.spend(Unknown.HANDSHAKE, address)
        raise


async def _identify(websocket: WebSocket, hub: Hub, door: Door, material: str, *, ours: bool) -> Bearer:
    """Whose token it is; from now on its frames may be large. Raises Rejected.

    With a token in the query whose key is known nothing is awaited: a large frame may stand right behind the
    handshake.
    """
    token = await _token(websocket, ours=ours)
    if ours and hub.tickets is not None and hub.tickets.made(token):
        bearer = await hub.tickets.use(token, material)
    else:
        await door.tokens.prepare(token)
        bearer = door.bearer(token, material)
    admit = (websocket.scope.get("extensions") or {}).get(ADMIT)
    if admit is not None:
        admit()
    return bearer


async def _token(websocket: WebSocket, *, ours: bool) -> str:
    """The token: from the query, or from the `hello` with which a client of our subprotocol begins."""
    query = websocket.query_params.get("token", "")
    if not ours:
        return query
    hello = _hello(await _first(websocket))
    if hello.get("schema", SCHEMA) != SCHEMA:
        raise Rejected(CloseCode.REFUSED, "this page is out of date: please reload", "schema")
    ticket = hello.get("ticket")
    return ticket if isinstance(ticket, str) else query


async def _first(websocket: WebSocket) -> bytes:
    """The first message. Raises Rejected: it may come in time on the next try."""
    first = asyncio.create_task(receive(websocket))
    try:
        await asyncio.wait([first], timeout=_HELLO_SECONDS)
        await asyncio.sleep(0)  # a process that stood still for so long finds timer and message due at once
        if not first.done():
            raise Rejected(CloseCode.TOO_SLOW, "no hello in time", "no_hello")
        return first.result()
    finally:
        first.cancel()


def _hello(frame: bytes) -> dict[str, Any]:
    try:
        message = ywebsocket.decode(frame) if len(frame) <= _HELLO_BYTES else None
    except Malformed:
        message = None
    if not isinstance(message, Control) or message.body["type"] != "hello":
        raise Rejected(CloseCode.MALFORMED, "the first message must be a hello", "no_hello")
    return message.body
