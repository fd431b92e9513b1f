"""few among many: an index over what a job tells apart from its metrics, for pages that show epochs and pictures."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_events_told", "events", ["job_id", "seq"], where="type <> 'metric'")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_events_told", table_name="events")
