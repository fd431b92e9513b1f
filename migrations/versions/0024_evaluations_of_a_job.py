"""evaluations of a job and of a data set: pages find the few among all jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

EVALUATIONS = "kind = 'evaluate'"


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_evaluated", "jobs", [sa.text("(source ->> 'job')"), "created_at", "id"], where=EVALUATIONS)
    create_index("ix_jobs_compared_with", "jobs", ["dataset_id", "id"], where=EVALUATIONS)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_compared_with", table_name="jobs")
    op.drop_index("ix_jobs_evaluated", table_name="jobs")
