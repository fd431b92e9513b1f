"""One try to send a message over HTTP: signed, without redirects, proxies or cookies, in ten seconds."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from time import monotonic

import certifi
import httpcore
from standardwebhooks import Webhook

from models.messages import DeliveryFaults, Message
from models.webhooks import ANSWER_BYTES, WebhookFormat
from stores.webhooks.addresses import BadUrlError, http_target
from stores.webhooks.deliveries import Parcel, Result
from sweeper.webhooks import texts
from sweeper.webhooks.network import Deadline, GuardedNetwork, NotAllowedError, Resolver, resolve

LIMIT_S = 10.0
GONE = 410
BUSY = (429, 503)


@cache
def trusted() -> ssl.SSLContext:
    """Return what certificates are checked with: SSL_CERT_FILE if it is set, else the authorities of the web."""
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


class HttpPost:
    """Sends messages to receivers."""

    def __init__(self, *, private: bool, resolver: Resolver = resolve, limit_s: float = LIMIT_S) -> None:
        self._private = private
        self._resolver = resolver
        self._limit_s = limit_s

    def send(self, parcel: Parcel) -> Result:
        """Try once."""
        started = monotonic()

        def result(fault: Message | None, status: int | None = None, answer: str | None = None) -> Result:
            return Result(round((monotonic() - started) * 1000), fault, status, answer)

        try:
            status, answer, patience = self._post(parcel)
        except BadUrlError as error:
            return result(DeliveryFaults.delivery_refused_address(error=error.message))
        except NotAllowedError as error:
            return result(error.message)
        except httpcore.TimeoutException:
            return result(DeliveryFaults.delivery_timed_out(limit=f"{self._limit_s:g}"))
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return result(DeliveryFaults.delivery_broken(error=str(error)[:200] or type(error).__name__))
        found = result(_fault(status), status, answer)
        return Result(**{**vars(found), "gone": status == GONE, "retry_after_s": patience})

    def _post(self, parcel: Parcel) -> tuple[int, str, float]:
        """Return status, the beginning of the answer, and the seconds of patience that it asks for."""
        target = http_target(parcel.url, private=self._private)
        content = texts.slack(parcel.body) if parcel.format == WebhookFormat.slack else parcel.body
        now = datetime.now(UTC)
        headers = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": f"ganforge/{version('ganforge')}",
            "webhook-id": parcel.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            # The present secret comes first; a receiver takes the message if one of the signatures is right.
            "webhook-signature": " ".join(
                Webhook(secret).sign(parcel.message_id, now, content) for secret in (parcel.secret, *parcel.old_secrets)
            ),
        }
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        network = GuardedNetwork(Deadline(self._limit_s), self._resolver, private=self._private)
        with (
            httpcore.ConnectionPool(ssl_context=trusted(), network_backend=network, retries=0) as pool,
            pool.stream("POST", url, headers=[*headers.items()], content=content.encode()) as answer,
        ):
            return answer.status, _beginning(answer), _retry_after(answer)


def _fault(status: int) -> Message | None:
    if 200 <= status < 300:
        return None
    if status == GONE:
        return DeliveryFaults.delivery_gone()
    if 300 <= status < 400:
        return DeliveryFaults.delivery_redirected(status=status)
    return DeliveryFaults.delivery_status(status=status)


def _beginning(answer: httpcore.Response) -> str:
    """Return the first kilobyte of an answer as text that a row can hold. The rest is not read."""
    found = b""
    for piece in answer.iter_stream():
        found += piece
        if len(found) >= ANSWER_BYTES:
            break
    return found[:ANSWER_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _retry_after(answer: httpcore.Response) -> float:
    """Return the seconds that a busy receiver asks to wait; 0 if it does not say."""
    given = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
    return float(given) if answer.status in BUSY and given.isdigit() and len(given) < 9 else 0.0
