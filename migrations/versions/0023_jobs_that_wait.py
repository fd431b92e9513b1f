"""jobs that wait for another: few among many, found by the one that they wait for."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_waits_for", "jobs", ["waits_for"], where="waits_for IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_waits_for", table_name="jobs")
