"""Mails reach a real SMTP server."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from collab.accounts.mail import Console, Mail, Post, Smtp, carrier, clean_address
from collab.errors import CloseCode, Rejected, StartError
from collab.settings import Settings
from storage.errors import Unavailable
from tests.servers.process import free_ports

pytestmark = pytest.mark.anyio

MAIL = Mail("ann@example.org", "Prüfung", "Open http://x/#token=t\n.\nüber\n")


class Received:
    """Takes mails; refuses the first `refuse` of them for now."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refuse = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 try again"
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def received() -> Received:
    return Received()


@contextmanager
def listening(received: Received, **options: object) -> Iterator[str]:
    (port,) = free_ports(1)
    controller = Controller(received, hostname="127.0.0.1", port=port, **options)
    controller.start()
    yield f"127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def server(received: Received) -> Iterator[str]:
    with listening(received) as address:
        yield address


async def test_a_mail_arrives_as_it_was_written(server: str, received: Received) -> None:
    post = Post(Smtp(f"smtp://{server}", "StudyHub <hub@example.org>"))
    post.check()
    post.send(MAIL)
    await post.close()

    [envelope] = received.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hub@example.org", ["ann@example.org"])
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "Prüfung"
    assert message.get_content().replace("\r\n", "\n") == MAIL.text  # type: ignore[attr-defined]


async def test_a_mail_that_is_refused_for_now_is_sent_again(server: str, received: Received) -> None:
    received.refuse = 1
    post = Post(Smtp(f"smtp://{server}", "hub@example.org"))
    post.send(MAIL)
    await post.close()

    assert len(received.envelopes) == 1


async def test_a_server_that_stays_away_costs_the_mail_and_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    post = Post(Smtp("smtp://127.0.0.1:1", "hub@example.org"))
    post.send(MAIL)
    await post.close()
    said = caplog.text + "".join(capsys.readouterr())

    assert "mail was not sent" in said
    assert "token=t" not in said


async def test_a_password_is_not_sent_in_the_clear(received: Received) -> None:
    """This server would take it, but offers no TLS."""
    seen: list[object] = []

    def authenticate(*arguments: object) -> AuthResult:
        seen.append(arguments)
        return AuthResult(success=True)

    with (
        listening(received, authenticator=authenticate, auth_require_tls=False) as address,
        pytest.raises(aiosmtplib.SMTPException),
    ):
        await Smtp(f"smtp://me:geheim@{address}", "hub@example.org").send(MAIL)

    assert seen == []
    assert received.envelopes == []


async def test_what_cannot_be_written_is_logged_and_the_rest_goes_on(
    server: str, received: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> Mail:
        raise Unavailable("read user", "catalogue")

    async def write(mail: Mail | None) -> Mail | None:
        return mail

    post = Post(Smtp(f"smtp://{server}", "hub@example.org"))
    for writing in (fail(), write(None), write(MAIL)):
        post.compose(writing)
    await post.close()

    assert len(received.envelopes) == 1
    assert "mail was not written" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["", "http://host", "smtp://", "host:25"])
def test_a_url_of_another_form_stops_the_start(url: str) -> None:
    with pytest.raises(StartError, match="STUDYHUB_SMTP_URL"):
        Smtp(url, "hub@example.org")


async def test_without_a_server_mails_are_printed_on_loopback_and_refused_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = carrier(Settings())
    assert isinstance(console, Console)
    await console.send(MAIL)
    assert "#token=t" in capsys.readouterr().err
    assert carrier(Settings(host="0.0.0.0")) is None
    with pytest.raises(Rejected, match="sends no mail") as caught:
        Post(None).check()

    assert caught.value.code is CloseCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("a+b@münchen.de", "a+b@münchen.de"),
        ("x@mail.intranet", "x@mail.intranet"),
    ],
)
def test_an_address_has_one_form(typed: str, stored: str) -> None:
    assert clean_address(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "x", "a@b@c", "a@b.org\nBcc: all@b.org", "a@b.org, c@d.org", "\0@b.org"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(Rejected, match="no e-mail address"):
        clean_address(typed)
