"""extractors: the constraints of the migration before are checked for rows that exist, while others write."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CONSTRAINTS = ("fk_jobs_waits_for_jobs", "ck_jobs_error_code")


def upgrade() -> None:
    """Apply."""
    for name in CONSTRAINTS:
        op.execute(f"ALTER TABLE jobs VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Take back: nothing."""
