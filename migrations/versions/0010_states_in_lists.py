"""states in lists: jobs of a rare state are found among many others without walking past them."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_state_created", "jobs", ["state", "created_at", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_state_created", table_name="jobs")
