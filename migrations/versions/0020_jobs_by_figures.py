"""jobs by figures: lists in the order of a figure, all jobs or an owner's, walk an index."""

from __future__ import annotations

from alembic import op

from migrations.online import create_index

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

FIGURES = ("fd_ratio", "kid")


def upgrade() -> None:
    """Apply."""
    for figure in FIGURES:
        where = f"{figure} IS NOT NULL"
        create_index(f"ix_jobs_{figure}", "jobs", ["extractor", figure, "id"], where=where)
        create_index(f"ix_jobs_owner_{figure}", "jobs", ["owner", "extractor", figure, "id"], where=where)


def downgrade() -> None:
    """Take back."""
    for figure in FIGURES:
        op.drop_index(f"ix_jobs_owner_{figure}", table_name="jobs")
        op.drop_index(f"ix_jobs_{figure}", table_name="jobs")
