"""Signed-in devices, and the ways to sign in: a password, or an issuer of OpenID Connect."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse

from collab.accounts.oidc import Answer
from collab.api.models import accounts as models
from collab.api.paging import Listing, PageDep
from collab.api.people import AccountsDep, SignedInCaller, device, session
from collab.api.problems import Missing
from collab.api.rules import Who, requires
from storage.catalog.people_values import Login

router = APIRouter(tags=["sessions"])

_ANYBODY = [requires(Who.ANYBODY)]
_ACCOUNT = [requires(Who.ACCOUNT)]
_PAGE = "/account/oidc"  # of ours, where a sign-in at an issuer ends
_ANSWER = ("code", "state", "iss", "error")  # what an issuer may send back


async def _known_issuer(
    issuer: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,32}$")], service: AccountsDep
) -> str:
    if issuer not in service.identities.names:
        raise Missing
    return issuer


_Issuer = Annotated[str, Depends(_known_issuer)]


@router.post("/sessions", status_code=201, dependencies=_ANYBODY)
async def sign_in(body: models.Credentials, request: Request, service: AccountsDep) -> models.Session:
    """Sign in with a password; with `code` where the answer was 401 and its type ends in `code_needed`."""
    where = device(request, shared_computer=body.shared_computer)
    return session(await service.accounts.sign_in(body.email, body.password, body.code, where))


@router.post("/sessions/refresh", dependencies=_ANYBODY)
async def refresh_session(body: models.Refresh, service: AccountsDep) -> models.Session:
    """New tokens for a refresh token. One that was used before ends its session."""
    return session(await service.sessions.refresh(body.refresh))


@router.get("/sessions", dependencies=_ACCOUNT)
async def list_sessions(
    caller: SignedInCaller, service: AccountsDep, page: PageDep
) -> Listing[models.Device]:
    """The devices that the caller is signed in on, by id."""
    logins = sorted(await service.sessions.devices(caller.id), key=lambda one: one.id)
    rows = [one for one in logins if one.id > page.after][: page.limit + 1]
    return page.listing([_device(one, caller.login.id) for one in rows], key=lambda one: one.id)


@router.delete("/sessions", dependencies=_ACCOUNT)
async def end_other_sessions(caller: SignedInCaller, service: AccountsDep) -> models.Ended:
    """Sign out all devices but the caller's."""
    return models.Ended(ended=await service.sessions.end_all(caller.id, but=caller.login.id))


@router.delete("/sessions/current", status_code=204, dependencies=_ACCOUNT)
async def sign_out(caller: SignedInCaller, service: AccountsDep) -> None:
    """Sign this device out."""
    await service.sessions.end(caller.id, caller.login.id)


@router.delete("/sessions/{id}", status_code=204, dependencies=_ACCOUNT)
async def end_session(
    id: Annotated[str, Path(pattern=r"^[\w-]{1,64}$")], caller: SignedInCaller, service: AccountsDep
) -> None:
    """Sign one of the caller's devices out."""
    if not await service.sessions.end(caller.id, id):
        raise Missing


@router.get("/oidc", dependencies=_ANYBODY)
async def list_issuers(service: AccountsDep) -> models.Issuers:
    """The issuers of OpenID Connect that people may sign in with."""
    return models.Issuers(issuers=service.identities.names)


@router.get("/oidc/callback", status_code=303, dependencies=_ANYBODY, response_class=RedirectResponse)
async def receive_oidc_answer(request: Request) -> RedirectResponse:
    """Where issuers send browsers back to: hands their answer to the page, behind `#`."""
    return _to_page(request.query_params)


@router.post("/oidc/callback", status_code=303, dependencies=_ANYBODY, response_class=RedirectResponse)
async def receive_oidc_form(request: Request) -> RedirectResponse:
    """The same for issuers that answer with a form."""
    form = parse_qs((await request.body()).decode(errors="replace"))
    return _to_page({name: values[0] for name, values in form.items()})


@router.post("/oidc/{issuer}/begin", dependencies=_ANYBODY)
async def begin_oidc(issuer: _Issuer, service: AccountsDep) -> models.Beginning:
    """Begin a sign-in at an issuer."""
    beginning = await service.identities.begin(issuer)
    return models.Beginning(url=beginning.url, flow=beginning.flow)


@router.post("/oidc/{issuer}/finish", status_code=201, dependencies=_ANYBODY)
async def finish_oidc(
    issuer: _Issuer, body: models.FinishSignIn, request: Request, service: AccountsDep
) -> models.Session:
    """Sign in as whom the issuer vouches for."""
    user = await service.identities.finish(issuer, _answer(body))
    where = device(request, shared_computer=body.shared_computer)
    return session(await service.sessions.open(user, where))


@router.post("/oidc/{issuer}/link", status_code=204, dependencies=_ACCOUNT)
async def link_oidc(
    issuer: _Issuer, body: models.Finish, caller: SignedInCaller, service: AccountsDep
) -> None:
    """Let the caller sign in with the issuer from now on."""
    await service.identities.link(caller.user, issuer, _answer(body))


@router.delete("/oidc/{issuer}/link", status_code=204, dependencies=_ACCOUNT)
async def unlink_oidc(issuer: _Issuer, caller: SignedInCaller, service: AccountsDep) -> None:
    """No longer let the caller sign in with the issuer; refused where no other way in is left."""
    await service.identities.unlink(caller.user, issuer)


def _answer(body: models.Finish) -> Answer:
    return Answer(body.flow, body.code, body.state, body.iss)


def _to_page(answer: Mapping[str, str]) -> RedirectResponse:
    known = {name: answer[name] for name in _ANSWER if name in answer}
    return RedirectResponse(f"{_PAGE}#{urlencode(known)}", 303)


def _device(login: Login, current: str) -> models.Device:
    return models.Device(
        id=login.id,
        device=login.device,
        created=login.created,
        seen=login.seen,
        expires=login.expires,
        shared_computer=login.shared_computer,
        current=login.id == current,
    )
