"""extractors: the job that makes that of a data set, jobs that wait for it, and the error of those whose wait was in vain.

The constraints are checked for the rows that exist in the next migration, which keeps nobody from writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CODES = [
    "invalid_dataset",
    "out_of_memory",
    "diverged",
    "checkpoint_corrupt",
    "extractor_failed",
    "worker_lost",
    "too_many_attempts",
    "max_runtime",
    "internal",
]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "extractors",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("accuracy", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("targets IN ('classes', 'rotations')", name="targets"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_extractors_dataset_id_datasets"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_extractors_job_id_jobs"),
        sa.PrimaryKeyConstraint("dataset_id", name="pk_extractors"),
    )
    op.create_index("ix_extractors_job_id", "extractors", ["job_id"])
    op.add_column("jobs", sa.Column("waits_for", sa.Text(), nullable=True))
    op.create_foreign_key("fk_jobs_waits_for_jobs", "jobs", "jobs", ["waits_for"], ["id"], postgresql_not_valid=True)
    op.drop_constraint("ck_jobs_error_code", "jobs")
    op.create_check_constraint("error_code", "jobs", _codes(CODES), postgresql_not_valid=True)


def downgrade() -> None:
    """Take back. Jobs with the new error would break the older constraint: they have to be deleted first."""
    op.drop_constraint("ck_jobs_error_code", "jobs")
    op.create_check_constraint("error_code", "jobs", _codes([code for code in CODES if code != "extractor_failed"]))
    op.drop_constraint("fk_jobs_waits_for_jobs", "jobs")
    op.drop_column("jobs", "waits_for")
    op.drop_table("extractors")


def _codes(codes: list[str]) -> str:
    return f"error_code IN ({', '.join(repr(code) for code in codes)}) OR error_code IS NULL"
