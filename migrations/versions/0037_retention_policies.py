"""retention policies: what owners keep of the ended jobs of a project, and when a job came back from the trash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

RULES = ("checkpoints_after_days", "grids_after_days", "failed_after_days", "ended_after_days")


def upgrade() -> None:
    """Apply."""
    moment = sa.DateTime(timezone=True)
    op.add_column("jobs", sa.Column("restored_at", moment, nullable=True))
    op.create_table(
        "retention_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("keep_checkpoints", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in RULES),
        sa.Column("created_at", moment, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.CheckConstraint("keep_checkpoints >= 1", name="keep_checkpoints"),
        sa.CheckConstraint(f"least({', '.join(RULES)}) >= 0", name="days"),
        sa.CheckConstraint(f"num_nonnulls({', '.join(RULES)}) > 0", name="rules"),
        sa.PrimaryKeyConstraint("id", name="pk_retention_policies"),
        sa.UniqueConstraint("owner", "project", name="uq_retention_policies_owner_project"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("retention_policies")
    op.drop_column("jobs", "restored_at")
