"""The caller's own account: made, changed, exported, erased."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from tempfile import TemporaryFile
from typing import IO, Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from collab.api.archive import write_archive
from collab.api.authority import CatalogDep
from collab.api.belongings import belongings, give_up
from collab.api.dependencies import BackendsDep, HubDep, address_of
from collab.api.models import accounts as models
from collab.api.people import AccountsDep, SignedInCaller, device, session
from collab.api.rules import Who, requires
from collab.sharing.notices import Change

router = APIRouter(prefix="/account", tags=["account"])

_ANYBODY = [requires(Who.ANYBODY)]
_ACCOUNT = [requires(Who.ACCOUNT)]
_CHUNK = 1 << 16  # bytes of a file that are read at a time
_ZIP: dict[str, Any] = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}


@router.post("/registrations", status_code=202, dependencies=_ANYBODY)
async def register(body: models.Registration, request: Request, service: AccountsDep) -> None:
    """Mail a link that leads to a new account. The answer does not tell whether there is one already."""
    await service.accounts.register(body.email, address_of(request))


@router.post("", status_code=201, dependencies=_ANYBODY)
async def create_account(body: models.NewAccount, request: Request, service: AccountsDep) -> models.Session:
    """Make the account that a mailed link is for, and sign it in."""
    where = device(request, shared_computer=body.shared_computer)
    return session(await service.accounts.create(body.token, body.name, body.password, where))


@router.get("", dependencies=_ACCOUNT)
async def read_account(caller: SignedInCaller, service: AccountsDep) -> models.Account:
    """The caller's account."""
    user = caller.user
    return models.Account(
        id=user.id,
        name=user.name,
        email=user.email,
        tier=user.tier,
        created=user.created,
        has_password=user.password is not None,
        second_factor=user.totp_confirmed,
        issuers=await service.identities.of(user),
    )


@router.patch("", status_code=204, dependencies=_ACCOUNT)
async def change_account(body: models.AccountChange, caller: SignedInCaller, service: AccountsDep) -> None:
    """Set the name that others see."""
    await service.accounts.rename(caller.user, body.name)


@router.get("/export", dependencies=_ACCOUNT)
async def export_account(caller: SignedInCaller, service: AccountsDep, catalog: CatalogDep) -> dict[str, Any]:
    """Everything that is kept about the account and what it owns, without secrets and documents."""
    return {**await service.accounts.export(caller.user), **await belongings(catalog, caller.id)}


@router.get(
    "/archive",
    dependencies=_ACCOUNT,
    response_class=StreamingResponse,
    responses={200: {"description": "The file.", "content": _ZIP}},
)
async def archive_account(
    caller: SignedInCaller, service: AccountsDep, catalog: CatalogDep, hub: HubDep, backends: BackendsDep
) -> StreamingResponse:
    """All of it as one ZIP file: `account.json` as the export is, and the documents that the account owns.

    Of each material there is its document as one Yjs update, and its body as XML.
    """
    service.accounts.allow_archive(caller.user)
    about = {**await service.accounts.export(caller.user), **await belongings(catalog, caller.id)}
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it
    try:
        await write_archive(file, about, [one["id"] for one in about["materials"]], backends, hub.workers)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": 'attachment; filename="studyhub.zip"'}
    return StreamingResponse(_chunks(file), media_type="application/zip", headers=headers)


@router.post("/erasure", status_code=204, dependencies=_ACCOUNT)
async def erase_account(
    body: models.Proof, caller: SignedInCaller, service: AccountsDep, catalog: CatalogDep, hub: HubDep
) -> None:
    """Forget the account and what it owns, and sign it out everywhere. Cannot be undone."""
    await service.accounts.prove(caller, body.password)
    guests = [guest.id for guest in await catalog.people.guests_of(caller.id)]
    await give_up(catalog, hub.notices, caller.id)
    await service.accounts.erase(caller)
    hub.notices.tell(Change.SUBJECT, caller.id, *guests)


@router.post("/password", status_code=204, dependencies=_ACCOUNT)
async def change_password(body: models.PasswordChange, caller: SignedInCaller, service: AccountsDep) -> None:
    """Set another password. All other devices are signed out."""
    await service.accounts.change_password(caller, body.old, body.new)


@router.post("/password/resets", status_code=202, dependencies=_ANYBODY)
async def forget_password(body: models.Registration, request: Request, service: AccountsDep) -> None:
    """Mail a link to choose a new password. The answer does not tell whether there is an account."""
    await service.accounts.forgot_password(body.email, address_of(request))


@router.put("/password", status_code=204, dependencies=_ANYBODY)
async def reset_password(body: models.PasswordReset, service: AccountsDep) -> None:
    """Set the password with a mailed link. All devices are signed out; a second factor stays."""
    await service.accounts.reset_password(body.token, body.password)


@router.post("/email", status_code=202, dependencies=_ACCOUNT)
async def change_email(
    body: models.EmailChange, caller: SignedInCaller, request: Request, service: AccountsDep
) -> None:
    """Mail a link to another address, which becomes the account's when it is opened."""
    await service.accounts.change_email(caller, body.email, body.password, address_of(request))


@router.put("/email", status_code=204, dependencies=_ANYBODY)
async def confirm_email(body: models.MailedToken, service: AccountsDep) -> None:
    """Take over the address that a mailed link went to."""
    await service.accounts.confirm_email(body.token)


@router.post("/second-factor", status_code=201, dependencies=_ACCOUNT)
async def begin_second_factor(
    body: models.PasswordProof, caller: SignedInCaller, service: AccountsDep
) -> models.AppSecret:
    """A secret for an authenticator app; it counts once a first code confirms it."""
    secret, uri = await service.factors.begin_totp(caller.user, body.password)
    return models.AppSecret(secret=secret, uri=uri)


@router.put("/second-factor", dependencies=_ACCOUNT)
async def confirm_second_factor(
    body: models.Code, caller: SignedInCaller, service: AccountsDep
) -> models.RecoveryCodes:
    """Turn the second factor on with a first code of the app."""
    return models.RecoveryCodes(codes=await service.factors.confirm_totp(caller.user, body.code))


@router.post("/second-factor/end", status_code=204, dependencies=_ACCOUNT)
async def end_second_factor(body: models.PasswordProof, caller: SignedInCaller, service: AccountsDep) -> None:
    """Turn the second factor off."""
    await service.factors.end_totp(caller.user, body.password)


@router.post("/guests", status_code=201, dependencies=_ACCOUNT)
async def claim_guest(
    body: models.GuestToken, caller: SignedInCaller, service: AccountsDep, hub: HubDep
) -> models.ClaimedGuest:
    """Take over what the caller did as a guest before it had, or used, its account."""
    guest = await service.claims.claim(caller.user, body.guest)
    hub.notices.tell(Change.SUBJECT, caller.id, guest.id)
    return models.ClaimedGuest(id=guest.id, name=guest.name)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while chunk := await to_thread(file.read, _CHUNK):
            yield chunk
