"""the trash: jobs that can be restored, those that are deleted for good, and what purged jobs leave for the metrics.

The constraints are checked for the rows that exist in the next migration, which keeps nobody from writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TERMINAL = "trashed_at IS NULL OR finished_at IS NOT NULL"
FROM_TRASH = "purged_at IS NULL OR trashed_at IS NOT NULL"


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint("trashed_when_terminal", "jobs", TERMINAL, postgresql_not_valid=True)
    op.create_check_constraint("purged_from_trash", "jobs", FROM_TRASH, postgresql_not_valid=True)
    # A stored answer outlives its job, and deleting a job would read the whole table, which has no index on it.
    op.drop_constraint("fk_idempotency_job_id_jobs", "idempotency")
    op.create_table(
        "purged_figures",
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("labels", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("within", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("figure IN ('jobs', 'attempts', 'waits', 'stalls')", name="figure"),
        sa.PrimaryKeyConstraint("figure", "labels", name="pk_purged_figures"),
    )


def downgrade() -> None:
    """Take back. Jobs in the trash are back in the lists; those that are being purged lack some of their rows."""
    op.drop_table("purged_figures")
    op.execute("UPDATE idempotency SET job_id = NULL WHERE job_id NOT IN (SELECT id FROM jobs)")
    op.create_foreign_key("fk_idempotency_job_id_jobs", "idempotency", "jobs", ["job_id"], ["id"])
    op.drop_column("jobs", "purged_at")
    op.drop_column("jobs", "trashed_at")
