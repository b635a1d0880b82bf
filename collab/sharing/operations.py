"""Typed operations: what a commenter may do to a document, carried out by the server in the commenter's name.

They come over HTTP or as control messages of `studyhub.v1`. The entries in the log name the caller as author.
"""

import asyncio
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from pydantic import Field, TypeAdapter, ValidationError

from collab.auth.grants import Grant, Role
from collab.errors import CloseCode, Rejected
from collab.participant import Participant
from collab.room import Room
from collab.sharing.comments import Comment, Done, Reply, Resolve, change_threads
from collab.sharing.roles import Action, allows
from collab.sharing.suggestions import Decide, Suggest, decide, suggest

Operation = Annotated[Comment | Reply | Resolve | Suggest | Decide, Field(discriminator="op")]

_OPERATIONS: TypeAdapter[Comment | Reply | Resolve | Suggest | Decide] = TypeAdapter(Operation)
_turns: WeakKeyDictionary[Room, asyncio.Lock] = WeakKeyDictionary()
_LONGEST_ID = 64  # characters
_PATIENCE = 10.0  # seconds until an operation is answered whose entry the log does not take; it stays


async def carry_out(room: Room, operation: Operation, caller: Grant) -> Done:
    """Do what `caller` asked for, if its role allows it; returns when it is saved. Raises Rejected."""
    if not allows(caller.role, Action.COMMENT):
        raise Rejected(CloseCode.FORBIDDEN, "your role does not allow this", "role")
    # One after the other: accepted and rejected at once, both the old and the new words would go.
    async with _turns.setdefault(room, asyncio.Lock()):
        return await _carry_out(room, operation, caller)


async def _carry_out(room: Room, operation: Operation, caller: Grant) -> Done:
    author = Grant(caller.subject, caller.name, Role.EDITOR)  # of this one transaction, and nothing else
    async with await Participant.join(room, author) as participant:
        if isinstance(operation, Suggest):
            done = suggest(participant, operation)
        elif isinstance(operation, Decide):
            done = decide(participant, operation, writes=caller.role.writes)
        else:
            done = change_threads(participant, operation)
        await participant.saved()
        return done


async def answer(room: Room, caller: Grant, body: dict[str, Any]) -> dict[str, Any]:
    """The fields of the control message that answers `operation {id, operation}` of `caller`.

    `kind` is `done` or `failed`.
    """
    id = body.get("id")
    known = {"id": id} if isinstance(id, int) or (isinstance(id, str) and len(id) <= _LONGEST_ID) else {}
    try:
        operation = _OPERATIONS.validate_python(body.get("operation"))
        async with asyncio.timeout(_PATIENCE):
            done = await carry_out(room, operation, caller)
    except ValidationError:
        error = Rejected(CloseCode.MALFORMED, "this is no operation", "operation")
    except TimeoutError:
        error = Rejected(CloseCode.UNAVAILABLE, "this is not saved yet", "unsaved")
    except Rejected as refused:
        error = refused
    else:
        return {"kind": "done", **known, **done.model_dump(exclude_none=True)}
    return {"kind": "failed", **known, "code": int(error.code), "reason": error.reason}
