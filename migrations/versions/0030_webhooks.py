"""webhooks: who is told what, the messages that wait, and every try to send one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Apply."""
    op.add_column("workers", sa.Column("lost_at", MOMENT, nullable=True))
    op.create_table(
        "feed_positions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("txid", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_feed_positions"),
    )
    _create_webhooks()
    _create_deliveries()
    _create_tries()


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("all_owners", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("paused_at", MOMENT, nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.CheckConstraint("format IN ('standard', 'slack', 'email')", name="format"),
        sa.CheckConstraint(
            "paused_reason IN ('request', 'failures', 'gone') OR paused_reason IS NULL", name="paused_reason"
        ),
        sa.CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name="paused"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_owner", "webhooks", ["owner", "created_at", "id"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id_webhooks", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    event = ["webhook_id", "job_id", "seq", "type"]
    op.create_index(
        "uq_deliveries_event", "deliveries", event, unique=True, postgresql_where=sa.text("seq IS NOT NULL")
    )
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook_id", "number"])
    op.create_index("ix_deliveries_due", "deliveries", ["webhook_id", "next_at"], postgresql_where=PENDING)
    op.create_index("ix_deliveries_order", "deliveries", ["webhook_id", "job_id", "number"], postgresql_where=PENDING)
    op.create_index("ix_deliveries_created", "deliveries", ["created_at"])


def _create_tries() -> None:
    op.create_table(
        "delivery_tries",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_text", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_delivery_tries_delivery_id_deliveries", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_delivery_tries"),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("delivery_tries", "deliveries", "webhooks", "feed_positions"):
        op.drop_table(table)
    op.drop_column("workers", "lost_at")
