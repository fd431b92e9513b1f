"""evaluations: the constraints of the migration before are checked for rows that exist, while others write."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CONSTRAINTS = (
    ("jobs", "fk_jobs_source_dataset_datasets"),
    ("jobs", "ck_jobs_kind"),
    ("artifacts", "ck_artifacts_kind"),
)


def upgrade() -> None:
    """Apply."""
    for table, name in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    """Take back: nothing."""
