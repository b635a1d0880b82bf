"""The mails of accounts: by SMTP, or printed where a developer reads along."""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import stamina
from email_validator import EmailNotValidError, validate_email

from collab.errors import CloseCode, Rejected, StartError
from collab.logs import log
from collab.settings import LOOPBACK, Settings
from storage.errors import StorageError

_SECONDS = 20.0  # for one attempt
_ATTEMPTS = 3
_WAITING = 500  # mails at once on their way; beyond it people have to try again
_FAILURES = (aiosmtplib.SMTPException, OSError)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in plain text."""

    to: str
    subject: str
    text: str


class Carrier(Protocol):
    """Brings a mail on its way."""

    async def send(self, mail: Mail) -> None:
        """Returns once somebody has taken it. Raises SMTPException, OSError."""


class Post:
    """Sends mails in the background: how long it takes tells nobody whether there was one to send."""

    def __init__(self, carrier: Carrier | None) -> None:
        self._carrier = carrier
        self._sending: set[asyncio.Task[None]] = set()

    def check(self) -> None:
        """Raises Rejected with UNAVAILABLE where no mail can be sent now."""
        if self._carrier is None:
            raise Rejected(CloseCode.UNAVAILABLE, "this server sends no mail", "no_mail")
        if len(self._sending) >= _WAITING:
            raise Rejected(CloseCode.UNAVAILABLE, "too many mails at once: try again", "mail_busy")

    def send(self, mail: Mail) -> None:
        """Send `mail` soon. Without a carrier it is dropped; one that fails three times is logged."""
        self._soon(self._deliver(mail))

    def compose(self, writing: Coroutine[Any, Any, Mail | None]) -> None:
        """Send what `writing` comes to, if anything, when it is done: its time tells nobody anything."""
        self._soon(self._compose(writing))

    async def close(self) -> None:
        """Wait for the mails that are on their way."""
        await asyncio.gather(*self._sending)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _compose(self, writing: Coroutine[Any, Any, Mail | None]) -> None:
        try:
            mail = await writing
        except StorageError as error:
            log.error("mail was not written", error=str(error))
        else:
            if mail is not None:
                await self._deliver(mail)

    async def _deliver(self, mail: Mail) -> None:
        if self._carrier is None:
            return
        try:
            async for attempt in stamina.retry_context(on=_FAILURES, attempts=_ATTEMPTS):
                with attempt:
                    await self._carrier.send(mail)
        except _FAILURES as error:
            log.error("mail was not sent", error=type(error).__name__)


class Smtp:
    """A mail server: `smtp://` (STARTTLS where it is offered, and always with a password) or `smtps://`."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise StartError("STUDYHUB_SMTP_URL: its form is smtp://user:password@host:587, or smtps")
        self._implicit = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._implicit else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """See Carrier."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        await aiosmtplib.send(
            message,
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=self._implicit,
            # A password never goes in the clear; without one, TLS is taken where it is offered.
            start_tls=True if self._password and not self._implicit else None,
            timeout=_SECONDS,
        )


class Console:
    """Prints mails to standard error, for development. Not to the log: their links are secrets."""

    async def send(self, mail: Mail) -> None:
        """See Carrier."""
        sys.stderr.write(f"\nMail to {mail.to}: {mail.subject}\n\n{mail.text}\n")


def carrier(settings: Settings) -> Carrier | None:
    """What the settings name; None where nothing is sent. Raises StartError."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url.get_secret_value(), settings.mail_from)
    return Console() if settings.host in LOOPBACK else None


def clean_address(email: str) -> str:
    """The one form of an address that is stored. Raises Rejected with MALFORMED."""
    try:
        checked = validate_email(email, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise Rejected(CloseCode.MALFORMED, "this is no e-mail address", "email") from error
    return checked.normalized.lower()
