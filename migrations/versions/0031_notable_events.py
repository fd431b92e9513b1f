"""Events that webhooks may tell: few among many metrics, in the order of the feed."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_events_notable", "events", ["txid", "job_id", "seq"], where="type IN ('state', 'alert')")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_events_notable", table_name="events")
