"""evaluations: jobs of a third kind, what was measured, and the data set whose images are judged.

The constraints are checked for the rows that exist in the next migration, which keeps nobody from writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KINDS = "kind IN ('train', 'sample', 'evaluate')"
OLD_KINDS = "kind IN ('train', 'sample')"
FILES = ["checkpoint", "weights", "grid", "real_grid", "samples", "loss_plot", "figure", "summary", "report", "log"]


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("result", postgresql.JSONB(), nullable=True))
    op.add_column("jobs", sa.Column("fd_ratio", sa.Float(), nullable=True))
    op.add_column("jobs", sa.Column("kid", sa.Float(), nullable=True))
    op.add_column("jobs", sa.Column("extractor", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("source_dataset", sa.Text(), nullable=True))
    op.create_foreign_key(
        "fk_jobs_source_dataset_datasets", "jobs", "datasets", ["source_dataset"], ["id"], postgresql_not_valid=True
    )
    op.drop_constraint("ck_jobs_kind", "jobs")
    op.create_check_constraint("kind", "jobs", KINDS, postgresql_not_valid=True)
    op.drop_constraint("ck_artifacts_kind", "artifacts")
    op.create_check_constraint("kind", "artifacts", _files(FILES), postgresql_not_valid=True)


def downgrade() -> None:
    """Take back. Evaluations would break the older constraints: they have to be deleted first."""
    op.drop_constraint("ck_artifacts_kind", "artifacts")
    op.create_check_constraint("kind", "artifacts", _files([one for one in FILES if one != "figure"]))
    op.drop_constraint("ck_jobs_kind", "jobs")
    op.create_check_constraint("kind", "jobs", OLD_KINDS)
    op.drop_constraint("fk_jobs_source_dataset_datasets", "jobs")
    for name in ("source_dataset", "extractor", "kid", "fd_ratio", "result"):
        op.drop_column("jobs", name)


def _files(kinds: list[str]) -> str:
    return f"kind IN ({', '.join(repr(one) for one in kinds)})"
