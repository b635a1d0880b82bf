"""Comments and suggestions over HTTP, also for those who may not write."""

from typing import Annotated

from fastapi import APIRouter, Body

from collab.api.authority import AccessDep, visitor
from collab.api.dependencies import Caller, HubDep
from collab.api.idempotency import IdempotentRoute
from collab.api.problems import Missing
from collab.api.rules import requires
from collab.auth.grants import Grant
from collab.sharing.comments import Done
from collab.sharing.operations import Operation, carry_out
from collab.sharing.roles import Action
from storage.catalog.shares import Scope

router = APIRouter(tags=["comments"], route_class=IdempotentRoute)


@router.post("/materials/{material:path}/comments", dependencies=[requires(Action.COMMENT)])
async def comment(
    material: str, body: Annotated[Operation, Body()], caller: Caller, hub: HubDep, access: AccessDep
) -> Done:
    """Begin a thread, reply to one, close or reopen it; suggest other words, accept or reject them.

    The document names the caller as author.
    """
    standing = await access.standing(visitor(caller), Scope.MATERIAL, material)
    if standing is None:
        raise Missing
    grant = Grant(caller.id, caller.name, standing.role)
    return await carry_out(await hub.open(material), body, grant)
