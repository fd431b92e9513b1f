"""One try to send a message as an e-mail, through the operator's mail server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from time import monotonic
from urllib.parse import unquote, urlsplit

from models.messages import DeliveryFaults, Message, WebhookTexts
from stores.infra.settings import Settings
from stores.webhooks.addresses import BadUrlError, mailbox
from stores.webhooks.deliveries import Parcel, Result
from sweeper.webhooks import texts
from sweeper.webhooks.http_post import LIMIT_S, trusted

PORTS = {"smtp": 587, "smtps": 465}
LOCAL = {"localhost", "127.0.0.1", "::1"}
SUBJECT_CHARACTERS = 120


class Mail:
    """Sends messages to mailboxes."""

    def __init__(self, settings: Settings, *, limit_s: float = LIMIT_S) -> None:
        self._settings = settings
        self._limit_s = limit_s

    def send(self, parcel: Parcel) -> Result:
        """Try once."""
        started = monotonic()
        fault = self._try(parcel)
        return Result(round((monotonic() - started) * 1000), fault)

    def _try(self, parcel: Parcel) -> Message | None:
        if not self._settings.sends_mail:
            return DeliveryFaults.delivery_no_mail_server()
        try:
            letter = self._letter(parcel, mailbox(parcel.url, self._settings.mail_domains))
            with self._connect() as server:
                server.send_message(letter)
        except BadUrlError as error:
            return DeliveryFaults.delivery_refused_address(error=error.message)
        except TimeoutError:
            return DeliveryFaults.delivery_timed_out(limit=f"{self._limit_s:g}")
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return DeliveryFaults.delivery_mail_refused(error=_words(error))
        return None

    def _letter(self, parcel: Parcel, to: str) -> EmailMessage:
        text = str(texts.sentence(parcel.body))
        letter = EmailMessage()
        letter["From"] = self._settings.smtp_from
        letter["To"] = to
        letter["Date"] = formatdate()
        letter["Subject"] = " ".join(f"ganforge: {text}".split())[:SUBJECT_CHARACTERS]
        # The same at every try, so that a mailbox that got it twice can tell.
        letter["Message-ID"] = f"<{parcel.message_id}@{self._settings.smtp_from.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        footer = WebhookTexts.told_footer(webhook=parcel.webhook_id, owner=parcel.owner)
        letter.set_content(f"{text}\n\n-- \n{footer}\n")
        return letter

    def _connect(self) -> smtplib.SMTP:
        """Return a session with the mail server. A password is only sent over TLS, or within this machine.

        Raises:
            OSError, smtplib.SMTPException
        """
        url = urlsplit(self._settings.smtp_url.get_secret_value())
        host, port = url.hostname or "", url.port or PORTS.get(url.scheme, 25)
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self._limit_s, context=trusted())
        else:
            server = smtplib.SMTP(host, port, timeout=self._limit_s)
        try:
            secure = url.scheme == "smtps"
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=trusted())
                server.ehlo()
                secure = True
            if url.username:
                if not secure and host not in LOCAL:
                    raise smtplib.SMTPException("no TLS, so no password was sent")
                server.login(unquote(url.username), unquote(url.password or ""))
        except BaseException:
            server.close()
            raise
        return server


def _words(error: Exception) -> str:
    """Return what a mail server said, without addresses of other mailboxes and in one line."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {said.decode(errors='replace')}"[:200]
    if isinstance(error, smtplib.SMTPResponseException):
        said_so = error.smtp_error
        return f"{error.smtp_code} {said_so.decode(errors='replace') if isinstance(said_so, bytes) else said_so}"[:200]
    if isinstance(error, ssl.SSLError):
        return str(error.reason)
    return " ".join((str(error) or type(error).__name__).split())[:200]
