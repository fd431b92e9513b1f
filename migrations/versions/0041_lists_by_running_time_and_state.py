"""lists by running time and state: orders walk its index, and the jobs of a state are counted without reading them."""

from __future__ import annotations

import sqlalchemy as sa

from migrations.online import create_index, drop_indexes

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TOOK = "(finished_at - started_at)"
DONE = "started_at IS NOT NULL AND finished_at IS NOT NULL"
RAN = "ran IS NOT NULL"
LISTED = "trashed_at IS NULL"


def upgrade() -> None:
    """Apply."""
    create_index("ix_jobs_ran", "jobs", ["ran", "id"], where=RAN)
    create_index("ix_jobs_owner_ran", "jobs", ["owner", "ran", "id"], where=RAN)
    create_index("ix_jobs_state", "jobs", ["state", "created_at", "id"], where=LISTED)
    create_index("ix_jobs_owner_state", "jobs", ["owner", "state", "created_at", "id"], where=LISTED)
    drop_indexes("jobs", "ix_jobs_duration", "ix_jobs_owner_duration", "ix_jobs_state_created")


def downgrade() -> None:
    """Take back."""
    create_index("ix_jobs_duration", "jobs", [sa.text(TOOK), "id"], where=DONE)
    create_index("ix_jobs_owner_duration", "jobs", ["owner", sa.text(TOOK), "id"], where=DONE)
    create_index("ix_jobs_state_created", "jobs", ["state", "created_at", "id"])
    drop_indexes("jobs", "ix_jobs_ran", "ix_jobs_owner_ran", "ix_jobs_state", "ix_jobs_owner_state")
