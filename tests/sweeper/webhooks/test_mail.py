"""One try by mail, through a real mail server on this machine."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from ganforge.stack.ports import free_port
from stores.infra.settings import Settings
from stores.webhooks.deliveries import Parcel
from sweeper.webhooks.mail import Mail

JOB = {"id": "job_1", "kind": "train", "recipe": "dcgan", "name": "digits", "error": None}
BODY = json.dumps({"type": "job.succeeded", "timestamp": "2026-01-31T12:00:00Z", "data": {"job": JOB}})


class Mailbox:
    """Keeps what comes; refuses mailboxes called nobody."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, list[str], email.message.EmailMessage]] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - the name is aiosmtpd's
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, letter))
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    """Return where letters end."""
    return Mailbox()


@pytest.fixture
def server(mailbox) -> Iterator[Controller]:
    """Return a mail server on a free port."""
    running = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    running.start()
    yield running
    running.stop()


def mail(server: Controller, **settings: str) -> Mail:
    """Return a sender through this server."""
    return Mail(Settings(smtp_url=f"smtp://127.0.0.1:{server.port}", smtp_from="ganforge@example.org", **settings))


def parcel(to: str = "mailto:alice@example.com") -> Parcel:
    """Return a message for a mailbox."""
    return Parcel("dlv_1", "whk_1", "msg_1", BODY, 1, "alice", to, "email", "", False)


def test_a_message_arrives_as_a_letter_whose_id_is_that_of_the_message(server, mailbox):
    for _ in range(2):
        assert mail(server).send(parcel()).fault is None
    (sender, to, letter), (_, _, again) = mailbox.letters
    assert (sender, to) == ("ganforge@example.org", ["alice@example.com"])
    assert letter["Subject"] == "ganforge: Job digits (dcgan, job_1) succeeded."
    assert letter["Message-ID"] == again["Message-ID"] == "<msg_1@example.org>"
    text = letter.get_content()
    assert text.startswith("Job digits (dcgan, job_1) succeeded.")
    assert "because of the webhook whk_1 of alice" in text


def test_what_the_mail_server_refuses_is_said(server):
    result = mail(server).send(parcel("mailto:nobody@example.com"))
    assert str(result.fault) == "the mail server refused it: 550 no such mailbox"


def test_a_domain_that_the_operator_no_longer_allows_gets_nothing(server, mailbox):
    result = mail(server, smtp_domains="example.org").send(parcel())
    assert result.fault.code == "delivery_refused_address"
    assert mailbox.letters == []


def test_a_mail_server_that_is_away_or_not_set_is_no_crash():
    away = Mail(Settings(smtp_url=f"smtp://127.0.0.1:{free_port()}", smtp_from="ganforge@example.org"))
    assert away.send(parcel()).fault.code == "delivery_mail_refused"
    assert Mail(Settings()).send(parcel()).fault.code == "delivery_no_mail_server"
