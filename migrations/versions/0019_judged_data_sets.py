"""judged data sets: whether an evaluation needs one is found when it is deleted."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_source_dataset", "jobs", ["source_dataset"], where="source_dataset IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_source_dataset", table_name="jobs")
