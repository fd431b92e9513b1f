"""Webhooks, the messages that they have to send, and every try to send one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject, one_of
from models.webhooks import DeliveryState, PauseReason, WebhookFormat


class Webhook(Base):
    """Where an owner wants to be told what. The secret is stored as it is, because messages are signed with it."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint(one_of("format", WebhookFormat), name="format"),
        CheckConstraint(one_of("paused_reason", PauseReason, null=True), name="paused_reason"),
        CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name="paused"),
        Index("ix_webhooks_owner", "owner", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    # Made by an admin: it tells of the jobs of all owners, as long as its owner has an admin key.
    all_owners: Mapped[bool]
    url: Mapped[str]
    events: Mapped[list[str]]
    filter: Mapped[JsonObject]
    format: Mapped[str]
    secret: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    paused_at: Mapped[datetime | None]
    paused_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]  # the first failed try since the last message that arrived


class OldWebhookSecret(Base):
    """A secret that was replaced; messages are signed with it, too, until its time has passed."""

    __tablename__ = "old_webhook_secrets"

    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class Delivery(Base):
    """One message of a webhook. The row exists before the first try, and each try sends the same id and body."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(one_of("state", DeliveryState), name="state"),
        # An event is told once, whatever happens to the sweeper.
        Index(
            "uq_deliveries_event",
            "webhook_id",
            "job_id",
            "seq",
            "type",
            unique=True,
            postgresql_where=text("seq IS NOT NULL"),
        ),
        Index("ix_deliveries_webhook", "webhook_id", "number"),
        Index("ix_deliveries_due", "webhook_id", "next_at", postgresql_where=text("state = 'pending'")),
        # Whether an earlier message of the same job still waits.
        Index("ix_deliveries_order", "webhook_id", "job_id", "number", postgresql_where=text("state = 'pending'")),
        Index("ix_deliveries_created", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))  # the order of events
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    message_id: Mapped[str]
    type: Mapped[str]
    # Not a foreign key: the message stays when the job is deleted. Both are null for a worker and for a test.
    job_id: Mapped[str | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[str]  # JSON, signed and sent byte for byte
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str] = mapped_column(server_default=text("'pending'"))
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))  # begun so far; the fence of each try
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))  # since it was last asked for
    next_at: Mapped[datetime] = mapped_column(
        server_default=func.now()
    )  # while one is under way: when it counts as lost
    done_at: Mapped[datetime | None]


class DeliveryTry(Base):
    """One try to send a message, and what came back."""

    __tablename__ = "delivery_tries"

    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    status: Mapped[int | None] = mapped_column(Integer)
    duration_ms: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str | None]  # the beginning of its body
    error: Mapped[str | None]  # why it failed, in English
    error_text: Mapped[JsonObject | None]  # code and parameters of it


class FeedPosition(Base):
    """How far a reader of the feed over all jobs has come (stores/events/events.py)."""

    __tablename__ = "feed_positions"

    name: Mapped[str] = mapped_column(primary_key=True)
    txid: Mapped[int] = mapped_column(BigInteger)
    job_id: Mapped[str]
    seq: Mapped[int] = mapped_column(BigInteger)
