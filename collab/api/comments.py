"""Comments over HTTP, also for those who may not write."""

from typing import Annotated

from fastapi import APIRouter, Body

from collab.api.dependencies import Caller, HubDep
from collab.api.idempotency import IdempotentRoute
from collab.api.rules import requires
from collab.sharing.comments import Done, Operation, carry_out
from collab.sharing.roles import Action

router = APIRouter(tags=["comments"], route_class=IdempotentRoute)


@router.post("/materials/{material:path}/comments", dependencies=[requires(Action.COMMENT)])
async def comment(material: str, body: Annotated[Operation, Body()], caller: Caller, hub: HubDep) -> Done:
    """Begin a thread, reply to one, close one or open it again. The document names the caller as author."""
    return await carry_out(await hub.open(material), body, caller.id, caller.name)
