"""The thread that turns events into messages and sends what is due, with some threads that do the sending."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.webhooks import WebhookFormat
from stores.container import Stores
from stores.maintenance.periodic import Round
from stores.webhooks.deliveries import Parcel, Result
from sweeper.webhooks.http_post import HttpPost
from sweeper.webhooks.mail import Mail

log = structlog.get_logger(__name__)

CHORE = "webhooks"
SENDERS = 16
# Messages under way: of one webhook, of one that fails, and of one owner, so that slow receivers hold up nobody else.
PER_WEBHOOK, PER_FAILING, PER_OWNER = 4, 1, SENDERS // 2
# How often a round is recorded for the metrics.
NOTE_S = 5.0

Send = Callable[[Parcel], Result]


class Courier:
    """Dispatches and sends until it is closed."""

    def __init__(self, stores: Stores) -> None:
        settings = stores.infra.settings
        self._stores = stores
        self._http = HttpPost(private=settings.webhook_private)
        self._mail = Mail(settings)
        self._stopping = threading.Event()
        self._news = threading.Event()  # a sender is free again
        self._lock = threading.Lock()
        self._under_way: dict[str, Parcel] = {}
        self._made = 0
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the tries that are under way."""
        self._stopping.set()
        self._news.set()
        self._thread.join(timeout=10)
        self.wait_until_idle(10)

    def once(self) -> bool:
        """Make messages of what happened, and begin to send what is due. Returns whether there may be more at once."""
        began = time.monotonic()
        outbox, deliveries = self._stores.webhooks.outbox, self._stores.webhooks.deliveries
        made, more = outbox.dispatch()
        made += outbox.tell_lost_workers()
        self._made += made
        with self._lock:
            busy = list(self._under_way.values())
        full = self._full(busy)
        parcels = deliveries.claim(SENDERS - len(busy), webhooks=full[0], owners=full[1]) if len(busy) < SENDERS else []
        for parcel in parcels:
            with self._lock:
                self._under_way[parcel.id] = parcel
            # A daemon: what it has in hand when the process ends is due again soon.
            threading.Thread(target=self._send, args=(parcel,), name="webhook", daemon=True).start()
        periodic = self._stores.maintenance.periodic
        if made or periodic.take(CHORE, NOTE_S) is not None:
            periodic.finish(CHORE, Round(self._made), time.monotonic() - began, NOTE_S)
            self._made = 0
        return more or bool(parcels)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; return whether that came true in time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._news.clear()
            with self._lock:
                if not self._under_way:
                    return True
            self._news.wait(max(0.0, min(1.0, deadline - time.monotonic())))
        return False

    @staticmethod
    def _full(busy: list[Parcel]) -> tuple[list[str], list[str]]:
        """Return the webhooks and the owners of which no more may be under way."""
        webhooks = Counter(parcel.webhook_id for parcel in busy)
        failing = {parcel.webhook_id for parcel in busy if parcel.failing}
        owners = Counter(parcel.owner for parcel in busy)
        full = [one for one, count in webhooks.items() if count >= (PER_FAILING if one in failing else PER_WEBHOOK)]
        return full, [owner for owner, count in owners.items() if count >= PER_OWNER]

    def _send(self, parcel: Parcel) -> None:
        send: Send = self._mail.send if parcel.format == WebhookFormat.email else self._http.send
        try:
            result = send(parcel)
            self._stores.webhooks.deliveries.finish(parcel, result)
            log.info(
                "webhook_tried",
                webhook=parcel.webhook_id,
                message=parcel.message_id,
                number=parcel.tries,
                status=result.status,
                fault=None if result.fault is None else result.fault.code,
                ms=result.duration_ms,
            )
        except SQLAlchemyError as error:
            # The message is due again when its claim has run out.
            log.warning("webhook_not_noted", message=parcel.message_id, error=str(error).splitlines()[0][:200])
        finally:
            with self._lock:
                self._under_way.pop(parcel.id, None)
            self._news.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            more = False
            try:
                self._news.clear()
                more = self.once()
            except SQLAlchemyError as error:
                log.warning("webhooks_failed", error=str(error).splitlines()[0][:200])
                self._stopping.wait(1.0)
            if not more:
                self._news.wait(min(1.0, self._stores.infra.settings.sweep_s))
