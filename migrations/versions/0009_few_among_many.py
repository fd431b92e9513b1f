"""few among many: an index over what a job tells apart from its metrics, for pages that show epochs and pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_events_told", "events", ["job_id", "seq"], postgresql_where=sa.text("type <> 'metric'"))


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_events_told", table_name="events")
