"""Messages on their way: claimed by a sender, tried, noted, shown and sent again.

A claim pushes `next_at` into the future and counts the try. A sender that dies leaves a message that is due again
after that time, and a sender that was slower than that finds another number of tries and changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text, update

from models import views
from models.ids import new_id
from models.messages import Message, WebhookFaults
from models.rows import Delivery, DeliveryTry, Webhook
from models.views import delivery_view
from models.webhooks import TEST, WAITS_S, DeliveryState, PauseReason
from stores.accounts.audit import Entry, record
from stores.accounts.keys import Principal
from stores.infra.errors import ConflictError, NotFoundError
from stores.infra.sql import seconds
from stores.webhooks import bodies, secrets
from stores.webhooks.webhooks import find

# How long a claimed message belongs to its sender: longer than a try may take (sweeper/webhooks/courier.py).
CLAIM_S = 60.0
# A webhook that has failed for this time is paused.
PATIENCE_S = 86_400
JITTER = (0.8, 1.2)
KEPT_DAYS = 30
BATCH = 1000
SHOWN_TRIES = 20
MAX_TESTS = 5
RETRY_AFTER_S = 3600

# One due message of each webhook, the longest due first: the earliest of its job, which no other sender has.
_CLAIM = text("""
WITH due AS (
    SELECT found.id FROM webhooks
     CROSS JOIN LATERAL (
         SELECT one.id, one.next_at FROM deliveries AS one
          WHERE one.webhook_id = webhooks.id AND one.state = 'pending' AND one.next_at <= now()
            AND NOT EXISTS (
                SELECT 1 FROM deliveries AS earlier
                 WHERE earlier.webhook_id = one.webhook_id AND earlier.job_id = one.job_id
                   AND earlier.state = 'pending' AND earlier.number < one.number)
          ORDER BY one.next_at, one.number LIMIT 1 FOR UPDATE SKIP LOCKED) AS found
     WHERE webhooks.paused_at IS NULL AND webhooks.id <> ALL(:webhooks) AND webhooks.owner <> ALL(:owners)
     ORDER BY found.next_at LIMIT :limit)
UPDATE deliveries SET tries = tries + 1, next_at = now() + make_interval(secs => :claim_s)
  FROM due, webhooks
 WHERE deliveries.id = due.id AND webhooks.id = deliveries.webhook_id
RETURNING deliveries.id, deliveries.webhook_id, deliveries.message_id, deliveries.body, deliveries.tries,
          webhooks.owner, webhooks.url, webhooks.format, webhooks.secret, webhooks.failing_since IS NOT NULL AS failing,
          ARRAY(SELECT old.secret FROM old_webhook_secrets AS old
                 WHERE old.webhook_id = webhooks.id AND old.until > now() ORDER BY old.until DESC) AS old_secrets
""")
_FIGURES = text("""
SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
       count(*) FILTER (WHERE state = 'failed' AND done_at > now() - interval '1 day') AS failed,
       coalesce(extract(epoch FROM now() - min(deliveries.created_at) FILTER (WHERE state = 'pending')), 0) AS oldest_s
  FROM deliveries JOIN webhooks ON webhooks.id = deliveries.webhook_id
 WHERE webhooks.paused_at IS NULL AND (state = 'pending' OR done_at > now() - interval '1 day')
""")
_WEBHOOKS = text("""
SELECT count(*) FILTER (WHERE paused_at IS NULL AND failing_since IS NULL) AS working,
       count(*) FILTER (WHERE paused_at IS NULL AND failing_since IS NOT NULL) AS failing,
       count(*) FILTER (WHERE paused_at IS NOT NULL) AS paused
  FROM webhooks
""")
# The longest that a message was due and nobody took it, of webhooks that work: how far the senders are behind.
_BEHIND = text("""
SELECT coalesce(max(extract(epoch FROM now() - found.next_at)), 0)
  FROM webhooks CROSS JOIN LATERAL (
      SELECT next_at FROM deliveries
       WHERE webhook_id = webhooks.id AND state = 'pending' AND failures = 0 ORDER BY next_at LIMIT 1) AS found
 WHERE paused_at IS NULL AND failing_since IS NULL AND found.next_at < now()
""")


@dataclass(frozen=True)
class Parcel:
    """A claimed message and where it goes."""

    id: str
    webhook_id: str
    message_id: str
    body: str
    tries: int
    owner: str
    url: str
    format: str
    secret: str
    failing: bool
    old_secrets: Sequence[str] = ()  # replaced within a day, the newest first


@dataclass(frozen=True)
class Result:
    """What came of a try. `fault` None: it arrived."""

    duration_ms: int
    fault: Message | None = None
    status: int | None = None
    answer: str | None = None
    gone: bool = False  # the receiver wants no more
    retry_after_s: float = 0.0  # the receiver asks for this much patience


class Deliveries:
    """Claims, results, and what owners see of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def claim(self, limit: int, *, webhooks: Collection[str] = (), owners: Collection[str] = ()) -> list[Parcel]:
        """Claim up to `limit` due messages, one of each webhook; none of these `webhooks` and `owners`."""
        asked = {"limit": limit, "claim_s": CLAIM_S, "webhooks": list(webhooks), "owners": list(owners)}
        with self._engine.begin() as connection:
            return [Parcel(**row) for row in connection.execute(_CLAIM, asked).mappings()]

    def finish(self, parcel: Parcel, result: Result) -> None:
        """Note a try; decide what comes next for the message and its webhook."""
        with self._engine.begin() as connection:
            # The webhook first, as whoever changes several of its messages does: so nobody waits for each other.
            connection.execute(
                select(Webhook.id).where(Webhook.id == parcel.webhook_id).with_for_update(key_share=True)
            )
            query = select(*Delivery.__table__.columns).where(Delivery.id == parcel.id).with_for_update(key_share=True)
            row = connection.execute(query).first()
            if row is None:
                return  # the webhook was deleted meanwhile
            _note(connection, parcel, result)
            if row.state != DeliveryState.pending or row.tries != parcel.tries:
                return  # another sender has taken it over
            if result.fault is None:
                self._arrived(connection, row)
            else:
                self._failed(connection, row, result)

    @staticmethod
    def _arrived(connection: Connection, row: Row[Any]) -> None:
        _set(connection, row.id, state=DeliveryState.delivered, done_at=func.now())
        was_failing = connection.execute(
            update(Webhook)
            .where(Webhook.id == row.webhook_id, Webhook.failing_since.is_not(None))
            .values(failing_since=None)
        ).rowcount
        if was_failing:
            # The receiver is back: what would wait for hours goes out soon. What a sender has now is due before that.
            waiting = update(Delivery).where(
                Delivery.webhook_id == row.webhook_id,
                Delivery.state == DeliveryState.pending,
                Delivery.next_at > func.now() + seconds(CLAIM_S),
            )
            connection.execute(waiting.values(next_at=func.now()))

    @staticmethod
    def _failed(connection: Connection, row: Row[Any], result: Result) -> None:
        if result.gone or row.failures >= len(WAITS_S):
            _set(connection, row.id, state=DeliveryState.failed, done_at=func.now(), failures=row.failures + 1)
        else:
            wait = WAITS_S[row.failures] * random.uniform(*JITTER)  # noqa: S311
            due = func.now() + seconds(max(wait, min(result.retry_after_s, RETRY_AFTER_S)))
            _set(connection, row.id, next_at=due, failures=row.failures + 1)
            if row.job_id is not None:
                # Later messages of the job wait for this one, so they need not be looked at before.
                later = update(Delivery).where(
                    Delivery.webhook_id == row.webhook_id,
                    Delivery.job_id == row.job_id,
                    Delivery.state == DeliveryState.pending,
                    Delivery.number > row.number,
                )
                connection.execute(later.values(next_at=due))
        mine = update(Webhook).where(Webhook.id == row.webhook_id)
        connection.execute(mine.where(Webhook.failing_since.is_(None)).values(failing_since=func.now()))
        active = mine.where(Webhook.paused_at.is_(None))
        if result.gone:
            connection.execute(active.values(paused_at=func.now(), paused_reason=PauseReason.gone))
        else:
            connection.execute(
                active.where(Webhook.failing_since <= func.now() - seconds(PATIENCE_S)).values(
                    paused_at=func.now(), paused_reason=PauseReason.failures
                )
            )

    def page(self, webhook_id: str, who: Principal, limit: int, before: int | None) -> list[tuple[int, views.Delivery]]:
        """Return up to `limit` messages of a webhook with their numbers, newest first.

        Raises:
            NotFoundError
        """
        query = select(*Delivery.__table__.columns).where(Delivery.webhook_id == webhook_id)
        if before is not None:
            query = query.where(Delivery.number < before)
        with self._reader.connect() as connection:
            find(connection, webhook_id, who)
            rows = connection.execute(query.order_by(Delivery.number.desc()).limit(limit)).all()
            return list(zip([row.number for row in rows], _views(connection, rows), strict=True))

    def test(self, webhook_id: str, who: Principal) -> views.Delivery:
        """Store a message that only says that it is a test.

        Raises:
            NotFoundError
            ConflictError: the webhook is paused, or some tests wait already.
        """
        with self._engine.begin() as connection:
            _active(find(connection, webhook_id, who, lock=True))
            mine = (Delivery.webhook_id == webhook_id, Delivery.state == DeliveryState.pending, Delivery.type == TEST)
            count = connection.scalar(select(func.count()).where(*mine)) or 0
            if count >= MAX_TESTS:
                raise ConflictError(WebhookFaults.tests_wait(count=count))
            values = {
                "id": new_id("dlv"),
                "webhook_id": webhook_id,
                "message_id": new_id("msg"),
                "type": TEST,
                "body": bodies.of_test(webhook_id),
            }
            row = connection.execute(insert(Delivery).values(values).returning(*Delivery.__table__.columns)).one()
            record(connection, who, Entry("webhook.test", webhook_id, None, {"delivery": row.id}))
            return delivery_view(row._mapping, [])

    def redeliver(self, webhook_id: str, delivery_id: str, who: Principal) -> views.Delivery:
        """Send a message again now, with the same id and body and with all its tries.

        Raises:
            NotFoundError
            ConflictError: the webhook is paused.
        """
        with self._engine.begin() as connection:
            _active(find(connection, webhook_id, who, lock=True))
            again = (
                update(Delivery)
                .where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
                .values(state=DeliveryState.pending, next_at=func.now(), failures=0, done_at=None)
            )
            row = connection.execute(again.returning(*Delivery.__table__.columns)).first()
            if row is None:
                raise NotFoundError(WebhookFaults.no_delivery())
            record(connection, who, Entry("webhook.redeliver", webhook_id, None, {"delivery": delivery_id}))
            return _views(connection, [row])[0]

    def forget_old(self) -> int:
        """Delete messages older than 30 days, some hundred at a time, and secrets that sign no more.

        Returns how many rows that were.
        """
        old = select(Delivery.id).where(Delivery.created_at < func.now() - seconds(KEPT_DAYS * 86_400)).limit(BATCH)
        with self._reader.connect() as connection:
            messages = connection.execute(delete(Delivery).where(Delivery.id.in_(old))).rowcount
            return messages + secrets.forget_old(connection)

    def figures(self) -> dict[str, float]:
        """Return what operators watch: pending, failed in a day, the age of the oldest, how late senders are."""
        with self._reader.connect() as connection:
            found = {**connection.execute(_FIGURES).mappings().one(), **connection.execute(_WEBHOOKS).mappings().one()}
            return {name: float(value) for name, value in (*found.items(), ("behind_s", connection.scalar(_BEHIND)))}


def _note(connection: Connection, parcel: Parcel, result: Result) -> None:
    fault = result.fault
    connection.execute(
        insert(DeliveryTry).values(
            delivery_id=parcel.id,
            number=parcel.tries,
            status=result.status,
            duration_ms=result.duration_ms,
            answer=result.answer,
            error=None if fault is None else str(fault),
            error_text=None if fault is None else fault.as_json(),
        )
    )


def _set(connection: Connection, delivery_id: str, **values: Any) -> None:
    connection.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))


def _active(row: Row[Any]) -> None:
    """Refuse what would send something for a paused webhook."""
    if row.paused_at is not None:
        raise ConflictError(WebhookFaults.webhook_paused())


def _views(connection: Connection, rows: Sequence[Row[Any]]) -> list[views.Delivery]:
    newest = func.row_number().over(partition_by=DeliveryTry.delivery_id, order_by=DeliveryTry.number.desc())
    ranked = (
        select(*DeliveryTry.__table__.columns, newest.label("place"))
        .where(DeliveryTry.delivery_id.in_([row.id for row in rows]))
        .subquery()
    )
    query = select(ranked).where(ranked.c.place <= SHOWN_TRIES).order_by(ranked.c.delivery_id, ranked.c.number)
    tries: dict[str, list[Any]] = {}
    for one in connection.execute(query).mappings():
        tries.setdefault(one["delivery_id"], []).append(one)
    return [delivery_view(row._mapping, tries.get(row.id, [])) for row in rows]
