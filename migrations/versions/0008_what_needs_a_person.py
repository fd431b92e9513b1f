"""what needs a person: indexes for the overview, over nothing but alerts and failures."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_events_alerts", "events", ["at"], where="type = 'alert'")
    create_index("ix_jobs_failed", "jobs", ["finished_at", "id"], where="state = 'failed'")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_failed", table_name="jobs")
    op.drop_index("ix_events_alerts", table_name="events")
