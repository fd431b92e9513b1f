"""the trash: the constraints of the migration before are checked for rows that exist, while others write."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

CONSTRAINTS = ("ck_jobs_trashed_when_terminal", "ck_jobs_purged_from_trash")


def upgrade() -> None:
    """Apply."""
    for name in CONSTRAINTS:
        op.execute(f"ALTER TABLE jobs VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Take back: nothing."""
