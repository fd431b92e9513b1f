"""Webhooks as their owners see and change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)

from models import views
from models.ids import new_id
from models.messages import WebhookFaults
from models.rows import Delivery, Webhook
from models.states import Role
from models.views import webhook_view
from models.webhooks import MAX_PER_OWNER, DeliveryState, PauseReason, WebhookFormat
from stores.accounts.audit import Entry, record
from stores.accounts.keys import Principal
from stores.infra.errors import ConflictError, NotFoundError
from stores.webhooks import secrets
from stores.webhooks.addresses import shown

COLUMNS = (*Webhook.__table__.columns, secrets.until().label("old_secrets_until"))
# Held while a webhook is added, so that two requests cannot both take the last place.
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('webhooks' || E'\\n' || :owner, 0))")
# The feed is read from here on, if nobody has read it before: what happens from now on is told.
_BEGIN_FEED = text("""
INSERT INTO feed_positions (name, txid, job_id, seq)
SELECT 'webhooks', pg_snapshot_xmin(pg_current_snapshot())::text::bigint, '', 0
    ON CONFLICT DO NOTHING
""")


def within(who: Principal) -> ColumnElement[bool]:
    """Return the condition that a caller may see a webhook: their own, or any for an admin.

    What an admin's webhook sent tells of all owners' jobs, so another key of the same owner does not see it.
    """
    if who.reads is None:
        return literal(True)
    return (Webhook.owner == who.reads) & ~Webhook.all_owners


def find(connection: Connection, webhook_id: str, who: Principal, *, lock: bool = False) -> Row[Any]:
    """Return the row of a webhook that the caller may see.

    Raises:
        NotFoundError
    """
    query = select(*COLUMNS).where(Webhook.id == webhook_id, within(who))
    row = connection.execute(query.with_for_update(key_share=True) if lock else query).first()
    if row is None:
        raise NotFoundError(WebhookFaults.no_webhook())
    return row


class Webhooks:
    """Makes, shows, changes and deletes webhooks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    def create(
        self, url: str, events: Sequence[str], chosen: Mapping[str, Any], format_: WebhookFormat, who: Principal
    ) -> tuple[views.Webhook, str]:
        """Make a webhook. Returns it and its secret, which nobody is shown again.

        Raises:
            ConflictError: the owner has as many as one may have.
        """
        secret = secrets.new_secret()
        with self._engine.begin() as connection:
            connection.execute(_TURN, {"owner": who.owner})
            count = connection.scalar(select(func.count()).where(Webhook.owner == who.owner)) or 0
            if count >= MAX_PER_OWNER:
                raise ConflictError(WebhookFaults.too_many_webhooks(owner=who.owner, count=count))
            connection.execute(_BEGIN_FEED)
            values = {
                "id": new_id("whk"),
                "owner": who.owner,
                "all_owners": who.role is Role.admin,
                "url": url,
                "events": list(events),
                "filter": dict(chosen),
                "format": format_,
                "secret": secret,
            }
            row = connection.execute(insert(Webhook).values(values).returning(*COLUMNS)).one()
            record(connection, who, Entry("webhook.create", row.id, None, _facts(row)))
        return webhook_view(row._mapping), secret

    def page(self, who: Principal, limit: int, before: tuple[datetime, str] | None) -> list[views.Webhook]:
        """Return up to `limit` webhooks, newest first."""
        query = select(*COLUMNS).where(within(who))
        if before is not None:
            query = query.where(tuple_(Webhook.created_at, Webhook.id) < tuple_(literal(before[0]), literal(before[1])))
        with self._reader.connect() as connection:
            found = connection.execute(query.order_by(Webhook.created_at.desc(), Webhook.id.desc()).limit(limit))
            return [_view(row, who) for row in found]

    def get(self, webhook_id: str, who: Principal) -> views.Webhook:
        """Return one webhook.

        Raises:
            NotFoundError
        """
        with self._reader.connect() as connection:
            return _view(find(connection, webhook_id, who), who)

    def rotate(self, webhook_id: str, who: Principal) -> str:
        """Replace the secret and return the new one, which nobody is shown again. The old one signs for a day, too.

        Raises:
            NotFoundError
            ConflictError: it was replaced several times within a day.
        """
        with self._engine.begin() as connection:
            secret = secrets.rotate(connection, find(connection, webhook_id, who, lock=True))
            record(connection, who, Entry("webhook.rotate", webhook_id, None, None))
        return secret

    def change(self, webhook_id: str, changes: Mapping[str, Any], who: Principal) -> views.Webhook:
        """Change the address, the events, the filter, or whether it is `paused`. A resumed one starts afresh.

        Raises:
            NotFoundError
        """
        with self._engine.begin() as connection:
            row = find(connection, webhook_id, who, lock=True)
            values = {
                name: value for name, value in changes.items() if name != "paused" and value != getattr(row, name)
            }
            if (paused := changes.get("paused")) is not None and paused != (row.paused_at is not None):
                values |= _paused(PauseReason.request) if paused else _resumed()
                if not paused:
                    _send_now(connection, webhook_id)
            if not values:
                return _view(row, who)
            changed = connection.execute(
                update(Webhook).where(Webhook.id == webhook_id).values(values).returning(*COLUMNS)
            ).one()
            before, after = _facts(row), _facts(changed)
            told = [name for name in after if before[name] != after[name]]
            entry = Entry(
                "webhook.change",
                webhook_id,
                {name: before[name] for name in told},
                {name: after[name] for name in told},
            )
            record(connection, who, entry)
        return _view(changed, who)

    def delete(self, webhook_id: str, who: Principal) -> None:
        """Delete a webhook with its messages; what waits is not sent any more.

        Raises:
            NotFoundError
        """
        with self._engine.begin() as connection:
            row = find(connection, webhook_id, who, lock=True)
            connection.execute(delete(Webhook).where(Webhook.id == webhook_id))
            record(connection, who, Entry("webhook.delete", webhook_id, _facts(row), None))

    def paused_by_failures(self, who: Principal) -> list[views.Webhook]:
        """Return the webhooks that send nothing any more because nothing arrived."""
        query = select(*COLUMNS).where(within(who), Webhook.paused_reason.in_([PauseReason.failures, PauseReason.gone]))
        with self._reader.connect() as connection:
            found = connection.execute(query.order_by(Webhook.paused_at.desc()).limit(MAX_PER_OWNER))
            return [_view(row, who) for row in found]


def _paused(reason: PauseReason) -> dict[str, Any]:
    return {"paused_at": func.now(), "paused_reason": reason}


def _resumed() -> dict[str, Any]:
    return {"paused_at": None, "paused_reason": None, "failing_since": None}


def _send_now(connection: Connection, webhook_id: str) -> None:
    """Let what has waited for a paused webhook go out, each message with all its tries."""
    waiting = update(Delivery).where(Delivery.webhook_id == webhook_id, Delivery.state == DeliveryState.pending)
    connection.execute(waiting.values(next_at=func.now(), failures=0))


def _view(row: Row[Any], who: Principal) -> views.Webhook:
    secret_address = who.role is Role.viewer and row.format == WebhookFormat.slack
    return webhook_view(row._mapping, url=shown(row.url) if secret_address else None)


def _facts(row: Row[Any]) -> dict[str, Any]:
    """Return what the audit tells of a webhook: no secret, and of Slack's addresses only the host."""
    return {
        "url": shown(row.url) if row.format == WebhookFormat.slack else row.url,
        "events": row.events,
        "filter": row.filter,
        "format": row.format,
        "paused": row.paused_at is not None,
    }
