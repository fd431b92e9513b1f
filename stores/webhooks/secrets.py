"""Secrets that webhooks sign with: the present one, and for a day those that it has replaced.

A receiver can take over a new secret at any time of that day, because each message then carries a signature of both.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from sqlalchemy import Connection, Row, ScalarSelect, delete, func, insert, select, update

from models.messages import WebhookFaults
from models.rows import OldWebhookSecret, Webhook
from models.webhooks import MAX_OLD_SECRETS, OLD_SECRET_S, SECRET_PREFIX
from stores.infra.errors import ConflictError
from stores.infra.sql import seconds

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a fresh secret: 256 random bits in base64, as Standard Webhooks has it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def until() -> ScalarSelect[datetime]:
    """Return the expression for the time until which older secrets of a webhook sign too; null if none does."""
    mine = (OldWebhookSecret.webhook_id == Webhook.id, OldWebhookSecret.until > func.now())
    return select(func.max(OldWebhookSecret.until)).where(*mine).correlate(Webhook).scalar_subquery()


def rotate(connection: Connection, webhook: Row[tuple[object, ...]]) -> str:
    """Give a locked webhook another secret and return it; the present one signs for another day.

    Raises:
        ConflictError: several were replaced within a day, and any of them may be the one that the receiver has.
    """
    mine = (OldWebhookSecret.webhook_id == webhook.id, OldWebhookSecret.until > func.now())
    count = connection.scalar(select(func.count()).where(*mine)) or 0
    if count >= MAX_OLD_SECRETS:
        raise ConflictError(WebhookFaults.rotated_too_often(count=count))
    old = {"webhook_id": webhook.id, "secret": webhook.secret, "until": func.now() + seconds(OLD_SECRET_S)}
    connection.execute(insert(OldWebhookSecret).values(old))
    secret = new_secret()
    connection.execute(update(Webhook).where(Webhook.id == webhook.id).values(secret=secret))
    return secret


def forget_old(connection: Connection) -> int:
    """Delete the secrets that sign no more; return how many."""
    return connection.execute(delete(OldWebhookSecret).where(OldWebhookSecret.until <= func.now())).rowcount
