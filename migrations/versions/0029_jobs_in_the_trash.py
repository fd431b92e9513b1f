"""jobs in the trash: few among many, found by the time at which they were moved there."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_trashed", "jobs", ["trashed_at", "id"], where="trashed_at IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_trashed", table_name="jobs")
