"""samples of a job: what was drawn from a training job is found from its page, however many jobs there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    create_index(
        "ix_jobs_drawn_from", "jobs", [sa.text("(source ->> 'job')"), "created_at", "id"], where="kind = 'sample'"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_drawn_from", table_name="jobs")
