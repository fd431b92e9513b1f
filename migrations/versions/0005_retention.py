"""retention: what the sweeper does and how far it is, the number of each checkpoint, objects that are gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cursor", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("rounds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
    op.add_column("artifacts", sa.Column("ordinal", sa.Integer(), nullable=True))
    op.add_column("artifacts", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_artifacts_created", "artifacts", ["created_at"])
    op.create_index("ix_artifacts_missing", "artifacts", ["id"], postgresql_where=sa.text("missing_since IS NOT NULL"))
    op.create_index(
        "ix_jobs_finished", "jobs", ["finished_at", "id"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_jobs_finished", table_name="jobs")
    op.drop_index("ix_artifacts_missing", table_name="artifacts")
    op.drop_index("ix_artifacts_created", table_name="artifacts")
    op.drop_column("artifacts", "missing_since")
    op.drop_column("artifacts", "ordinal")
    op.drop_table("chores")
